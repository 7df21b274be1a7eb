"""In: templates and values, or SQL text. Out: statements put together, or what a text names, reads and calls. Pure.

SQL text is read here and nowhere else: `tokens` scans it as PostgreSQL does, `names` says which tables and columns it is about.
"""
