"""Rows of tables and values of columns: counted on the run's snapshot, and compared with what earlier runs counted."""
