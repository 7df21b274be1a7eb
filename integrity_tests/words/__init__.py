"""The words that rules are written in: classes and their columns, game lines, things."""
