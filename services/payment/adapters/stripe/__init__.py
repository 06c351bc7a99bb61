"""The PSP as Stripe is one: its API, whoever serves it."""
