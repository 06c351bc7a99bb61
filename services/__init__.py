"""One bounded context each; they meet in protos/, never in Python."""
