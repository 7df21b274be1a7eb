"""The pytest side: options, collection, items, session."""
