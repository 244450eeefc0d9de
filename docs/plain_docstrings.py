"""Docstrings are plain text with Unicode formulas; here they become reStructuredText that says the same.

`name` becomes code, |x|, * and _ stay what they are, an indented block stays as it is, a doctest is one. References to a
name by the module that defines it lead to its public name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import groupby
from typing import Any

PACKAGES = ("cg_data", "cg_sim", "cg_models", "cg_inverse")
_CODE = re.compile(r"`+([^`]+)`+")
_SPECIAL = re.compile(r"([\\*_|<>])")


def readable(lines: list[str]) -> list[str]:
    """Return a docstring's lines as reStructuredText.

    >>> readable(["Return Σ|Δg| of `a`:", "", "    a * b"])
    ['Return Σ\\\\|Δg\\\\| of ``a``:', '', '::', '', '    a * b']
    """
    found: list[str] = []
    for kind, group in groupby(_paragraphs(lines), key=_kind):
        for paragraph in group if kind != "block" else [[line for p in group for line in (*p, "")][:-1]]:
            found += [""] if found else []
            found += ["::", ""] if kind == "block" else []
            found += [_inline(line) for line in paragraph] if kind == "text" else paragraph
    return found


def _paragraphs(lines: list[str]) -> Iterator[list[str]]:
    for empty, group in groupby(lines, key=lambda line: not line.strip()):
        if not empty:
            yield list(group)


def _kind(paragraph: list[str]) -> str:
    if paragraph[0].lstrip().startswith(">>>"):
        return "doctest"
    return "block" if all(line.startswith("    ") for line in paragraph) else "text"


def _inline(line: str) -> str:
    """Return a line with code as code, and what reStructuredText would read as markup as itself."""
    parts, end = [], 0
    for code in _CODE.finditer(line):
        parts += [_SPECIAL.sub(r"\\\1", line[end : code.start()]), rf"\ ``{code[1]}``\ "]
        end = code.end()
    return "".join([*parts, _SPECIAL.sub(r"\\\1", line[end:])])


@cache
def public_names() -> dict[str, str]:
    """Return the public name of everything by the module that defines it."""
    found = {}
    for package in PACKAGES:
        module = import_module(package)
        for name in module.__all__:
            home = getattr(getattr(module, name), "__module__", None)
            if home:
                found[f"{home}.{name}"] = f"{package}.{name}"
    return found


def _process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = readable(lines)


def _reference(app: Any, env: Any, node: Any, content: Any) -> Any:
    target = node.get("reftarget", "")
    public = public_names().get(target)
    if node.get("refdomain") != "py" or public is None:
        return None
    domain = env.get_domain("py")
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", public, node, content)


def setup(app: Any) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", _process)
    app.connect("missing-reference", _reference)
    return {"parallel_read_safe": True}
