"""Things and places written by hand, game line by game line: at least one of every class, at its limits and between."""
