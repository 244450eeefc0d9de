"""`python -m cg_inverse` is the `cg-inverse` command."""

import sys

from cg_inverse.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
