"""`python -m cg_data` is the `cg-data` command."""

import sys

from cg_data.cli import main

if __name__ == "__main__":
    sys.exit(main())
