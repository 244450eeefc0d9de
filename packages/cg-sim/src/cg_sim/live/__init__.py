"""Liquids to look at while their density and their attraction change."""
