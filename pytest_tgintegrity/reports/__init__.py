"""In: the results of a run. Out: what people and programs read. Reports only consume."""
