"""The `cg-inverse` command. The function to call is `cg_inverse.cli.main.main`."""
