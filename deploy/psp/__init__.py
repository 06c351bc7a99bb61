"""A PSP, simulated: another company's system, which speaks a part of Stripe's HTTP API."""
