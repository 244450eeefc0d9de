"""`python -m cg_sim` is the `cg-sim` command."""

import sys

from cg_sim.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
