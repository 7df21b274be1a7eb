"""Plan, make and undo fixes, journalled."""
