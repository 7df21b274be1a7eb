"""What was changed is written beside the data, and read back with suspicion."""
