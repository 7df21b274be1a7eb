"""In: what the live catalog declares. Out: what that asks of the rows. Pure."""
