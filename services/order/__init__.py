"""The order context: the promise to the customer. It drives every order to an end."""
