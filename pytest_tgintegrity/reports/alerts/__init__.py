"""Alerts when the state changes."""
