"""In: violated rules that have a fix. Out: a fix plan, rows that are written and journalled, and the way back."""
