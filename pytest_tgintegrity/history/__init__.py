"""Past runs, and how this one compares."""
