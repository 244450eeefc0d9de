"""Pictures of fits, and the pages they are on."""
