"""What rules look at: named tables and joins, with a key, a label and scopes."""
