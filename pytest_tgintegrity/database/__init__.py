"""The database under test: connect, read the catalogs, run scans on one snapshot."""
