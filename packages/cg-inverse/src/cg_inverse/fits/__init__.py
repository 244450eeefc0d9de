"""A fit from its first round to its last: the loop, its control, and what is kept of it."""
