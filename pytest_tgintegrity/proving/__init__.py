"""In: the rule set. Out: whether each rule can fail, and what no rule looks at."""
