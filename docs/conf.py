"""The site: `make docs`. Its root is the repository's, so that links between files work here and where they are read as files."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "Coarse-graining"
author = "the authors"
extensions = ["myst_nb", "sphinx.ext.autodoc", "executed_examples", "generated_parts", "plain_docstrings"]
root_doc = "docs/index"
include_patterns = ["docs/*.md", "notebooks/[0-9]*.ipynb", "benchmarks/README.md", "CONTRIBUTING.md"]
exclude_patterns = [".*", "**/.*", "docs/_build", "packages", "tests", "demo", "notebooks/results", "notebooks/runs"]

nb_execution_mode = "off"  # notebooks are shown as `make notebooks` left them
myst_heading_anchors = 4
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False  # an override without words of its own is its parent's, shown once
autodoc_type_aliases = {"npt.ArrayLike": "ArrayLike", "Array": "Array", "Mask": "Mask"}
python_display_short_literal_types = True
maximum_signature_line_length = 100
nitpicky = True
# Other packages' names are not linked, as the site needs no network; nor are ours that are not public.
nitpick_ignore_regex = [("py:.*", r"(?!cg_\w+\.\w+$).*")]

html_theme = "furo"
html_title = project
html_extra_path = ["site_root"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
