"""From measurements to verdicts, score and exit status. Pure."""
