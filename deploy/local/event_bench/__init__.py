"""How fast events flow, beside what the servers themselves do."""
