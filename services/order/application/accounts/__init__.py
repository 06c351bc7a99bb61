"""How much each account may have under way."""
