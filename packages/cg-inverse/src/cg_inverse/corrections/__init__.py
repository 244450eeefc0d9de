"""Corrections of pairs to potentials of any kind: what they are added to, and what they are between temperatures."""
