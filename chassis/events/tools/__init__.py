"""For people who look after events: dead letters and replays, on the command line."""
