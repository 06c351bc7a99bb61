"""Payments: money set aside, taken and given back by way of a PSP, and the books of it."""
