"""What is to be solved: shells, state points, and the space of curves in which one potential shall serve them all."""
