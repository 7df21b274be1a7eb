"""In: changes of a plan, or of a run that is undone. Out: rows that were written, read back and journalled."""
