"""File formats of tables and targets: one module per engine or tool, one row each in `registry`."""
