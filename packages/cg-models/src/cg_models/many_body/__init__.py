"""Potentials of atoms that are more than sums over pairs, and corrections to them that are."""
