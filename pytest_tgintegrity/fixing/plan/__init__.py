"""In: rules whose fixes are wanted. Out: which of them can be made, in which order, and every change that they make."""
