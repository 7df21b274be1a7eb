"""Which fixes can be made, in which order, and every change that they come to."""
