"""The `cg-sim` command: run, engines. The function to call is `cg_sim.cli.main.main`."""
