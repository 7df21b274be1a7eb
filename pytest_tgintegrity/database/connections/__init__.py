"""Connections: how we come to the server, what may pass, and how long we wait."""
