"""Transfer cards: what a fitted potential does at its own states and elsewhere, and how they are shown."""
