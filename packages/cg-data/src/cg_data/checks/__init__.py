"""Preflight: what is wrong or risky about targets and tables, said before any run."""
