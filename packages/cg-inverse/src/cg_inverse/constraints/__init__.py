"""What a potential shall give besides structure: a pressure, a density."""
