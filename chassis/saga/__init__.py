"""How a story of many steps across services is driven to its end, through any crash."""
