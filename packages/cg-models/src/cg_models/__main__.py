"""`python -m cg_models` is the `cg-models` command."""

import sys

from cg_models.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
