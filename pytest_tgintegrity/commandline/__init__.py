"""Options as words: their table, what each is called here, and which hold a secret. Pure."""
