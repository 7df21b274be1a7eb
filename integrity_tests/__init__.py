"""TG's integrity rules: each test states what holds in a TG database, and fails with the rows for which it does not.

One area of the game a file (`test_characters.py`, `test_xp.py`, …). A new rule goes to the file of its subject, tagged
with its id (``tags=["XP-14"]``); a rule about many tables or columns is parametrized from `vocabulary`; a rule about
joined tables takes its source from `sources`.
"""
