"""In: a selection of rules, and later what became of them. Out: what each capability beyond judging reports."""
