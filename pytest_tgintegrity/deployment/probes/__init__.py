"""How long people wait: timed, compared with a baseline."""
