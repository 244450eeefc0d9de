"""The `cg-models` command: invert, pressure, train, evaluate. The function to call is `cg_models.cli.main.main`."""
