"""Pair potentials: formulas, curves through points, and their combinations."""
