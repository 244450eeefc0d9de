"""Trajectories of other programs: one module per format, one row each in `registry`."""
