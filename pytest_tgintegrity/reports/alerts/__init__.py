"""Who is told when the state changes."""
