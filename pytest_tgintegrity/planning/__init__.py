"""In: rules, and facts about a database. Out: a plan of scans, which read each source once. Pure: no I/O, no clock."""
