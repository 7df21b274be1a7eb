"""Changes are written, read back, and taken back."""
