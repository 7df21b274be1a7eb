"""In: changes that were made. Out: their entries in the journal, and, for an undo, those entries that can be trusted."""
