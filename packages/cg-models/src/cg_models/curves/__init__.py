"""Pair potentials with weights: what turns into a table and learns through it."""
