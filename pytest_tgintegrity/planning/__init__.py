"""From rules to questions: which SQL answers them, each source read once. Pure."""
