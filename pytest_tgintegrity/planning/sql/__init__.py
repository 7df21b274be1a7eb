"""SQL as text and as values."""
