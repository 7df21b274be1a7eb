"""Proofs that the rule set is any good: each rule can fail, and what none looks at is known."""
