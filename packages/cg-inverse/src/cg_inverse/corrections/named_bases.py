"""Bases by name, as the command line and folders have them: emt, eam:FILE, ani:FOLDER, …, a table, or MODULE:FUNCTION."""

from __future__ import annotations

import sys
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from cg_data import FileError, read_interactions
from cg_inverse.corrections.bases import is_pair

SPECS = "emt, eam:FILE, ani:FOLDER, beads:FILE, deep:FILE, hipnn:FILE, a table file, or MODULE:FUNCTION"
_OF_FILES = ("eam", "ani", "beads", "deep", "hipnn")


def named_base(spec: str) -> Any:
    """Return pair potentials of a table file, or a function that makes a calculator (Å, eV) for each run."""
    kind, _, rest = spec.partition(":")
    if kind == "emt" and not rest:
        return partial(_emt)
    if kind in _OF_FILES:
        if not Path(rest).exists() or not rest:
            raise FileError(spec, f"{rest or 'nothing'} is no file or folder here", remedy=f"a base is {SPECS}")
        return partial(_read, kind, rest)
    if Path(spec).is_file():
        given = read_interactions(spec)
        return next(iter(given.values())) if len(given) == 1 else given
    if rest:
        return _function(kind, rest)
    near = get_close_matches(spec, ("emt", *_OF_FILES), 1)
    remedy = f"did you mean {near[0]}?" if near else f"a base is {SPECS}"
    raise FileError(spec, "is neither a file nor a base", remedy=remedy)


def of_atoms(spec: str | None) -> bool:
    """Return whether a base is one in Å and eV, rather than a table or nothing."""
    return spec is not None and not Path(spec).is_file()


def runs_code(spec: str) -> bool:
    """Return whether a base is a function of the user's own: no folder makes that run."""
    return ":" in spec and spec.partition(":")[0] not in _OF_FILES and not Path(spec).is_file()


def absolute(spec: str) -> str:
    """Return the name of a base by which it is found from any folder."""
    kind, colon, rest = spec.partition(":")
    if kind in _OF_FILES and rest:
        return f"{kind}{colon}{Path(rest).resolve()}"
    return str(Path(spec).resolve()) if Path(spec).is_file() else spec


def _emt() -> Any:
    return _ase("emt").EMT()


def _read(kind: str, where: str) -> Any:
    match kind:
        case "eam":
            return _ase("eam").EAM(potential=where)
        case "ani":
            return _models().calculator(_models().ani(where))
        case "beads":
            return _models().calculator(_models().load_beads(where))
        case "deep":
            return _models().calculator(_models().load_deep(where))
        case "hipnn":
            models = _models()
            if not hasattr(models, "hipnn"):
                raise ImportError(
                    'this cg-models reads no HIP-NN potentials: pip install --upgrade "cg-inverse[models]"'
                )
            return models.calculator(models.hipnn(where))
        case _:
            raise ValueError(f"unknown base {kind!r}: {SPECS}")


def _ase(module: str) -> Any:
    try:
        return import_module(f"ase.calculators.{module}")
    except ImportError:
        raise ImportError('emt and eam are calculators of ASE: pip install "cg-sim[ase]"') from None


def _models() -> Any:
    try:
        return import_module("cg_models")
    except ImportError:
        raise ImportError(
            'ani, beads, deep and hipnn are read by cg-models: pip install "cg-inverse[models]"'
        ) from None


def _function(module: str, name: str) -> Any:
    """Return what makes a calculator, or the pair potentials that it makes; modules are looked for in this folder too."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        function: Callable[[], Any] = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ImportError(f"{module}:{name} as a base: {error}; a base is {SPECS}") from error
    finally:
        sys.path.remove(here)
    made = function()
    return made if is_pair(made) else function
