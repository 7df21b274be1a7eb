"""In: test functions that are rules. Out: items of pytest that judge them, and the record of each."""
