"""Settings of a run from its TOML file and its options: options override, what is unknown is an error."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cg_data import FileError
from cg_data.cli.potentials import names_pair
from cg_data.safe_files import sized_file
from cg_sim.cli.settings import DEFAULTS, SECTIONS, SETTINGS

Settings = dict[str, Any]
# An option makes these of the file meaningless.
_REPLACES = {
    "thermostat": ("friction", "tau"),
    "state": ("density", "n", "composition", "mass"),
    "density": ("state",),
}


def gathered(file: str | None, options: Mapping[str, Any]) -> Settings:
    """Return every setting by name, `potential` included: options before the file before defaults."""
    given = {name: value for name, value in options.items() if value is not None}
    below = {} if file is None else read_config(file)
    for name in given:
        for replaced in _REPLACES.get(name, ()):
            below.pop(replaced, None)
    return {**DEFAULTS, "potential": None, **below, **given}


def read_config(path: str) -> Settings:
    """Return the settings in a TOML file, checked."""
    file = sized_file(path, max_bytes=2**20, what="configuration")
    try:
        with file.open("rb") as stream:
            tables = tomllib.load(stream)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(path, f"is not TOML ({error})", remedy="`cg-sim run … --print-config` writes one") from None
    found: Settings = {}
    for section, content in tables.items():
        if section == "potential":
            found["potential"] = _potentials(content, path)
        elif section in SECTIONS and isinstance(content, dict):
            found |= _section(section, content, path)
        else:
            raise _unknown(path, section, [*SECTIONS, "potential"], "table")
    return _beside(found, file.parent)


def _section(section: str, content: Mapping[str, Any], path: str) -> Settings:
    rows = {setting.toml_key: setting for setting in SETTINGS if setting.section == section}
    found = {}
    for key, value in content.items():
        if key not in rows:
            raise _unknown(path, key, list(rows), f"key in [{section}]")
        try:
            found[rows[key].name] = rows[key].read(value)
        except ValueError as error:
            raise FileError(path, f"{section}.{key} {error}") from None
    return found


def _potentials(content: Any, path: str) -> list[str]:
    """Return the texts that --potential would have been given."""
    if isinstance(content, str):
        return [content]
    if isinstance(content, dict) and content and all(isinstance(value, str) for value in content.values()):
        return [f"{pair}={value}" for pair, value in content.items()]
    raise FileError(path, f"potential must be a text, or a table of texts by pair, got {content!r}",
                    remedy='write potential = "lj.table", or [potential] with A-A = "lj:cutoff=2.5"')  # fmt: skip


def _unknown(path: str, name: str, known: list[str], what: str) -> FileError:
    near = get_close_matches(name, known, 1) or get_close_matches(name.replace("-", "_"), known, 1)
    elsewhere = [setting.section for setting in SETTINGS if setting.toml_key == name]
    if elsewhere:
        remedy = f"it belongs in [{elsewhere[0]}]"
    else:
        remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return FileError(path, f"has the unknown {what} {name!r}", remedy=remedy)


def _beside(found: Settings, folder: Path) -> Settings:
    """Return the settings with files to read that are named relative to the configuration's folder."""
    if "state" in found:
        found["state"] = str(folder / found["state"])
    if "potential" in found:
        found["potential"] = [_file_beside(text, folder) for text in found["potential"]]
    return found


def _file_beside(text: str, folder: Path) -> str:
    pair, equals, source = text.partition("=") if names_pair(text) else ("", "", text)
    return f"{pair}{equals}{folder / source}" if (folder / source).is_file() else text


def as_toml(settings: Mapping[str, Any]) -> str:
    """Return settings as the text of a configuration file."""
    lines = []
    potentials = settings["potential"] or []
    if len(potentials) == 1 and not names_pair(potentials[0]):
        lines += [f"potential = {_quoted(potentials[0])}"]
    elif potentials:
        pairs = (text.partition("=") for text in potentials)
        lines += ["[potential]", *(f"{_quoted(pair)} = {_quoted(source)}" for pair, _, source in pairs)]
    for section in SECTIONS:
        rows = [s for s in SETTINGS if s.section == section and settings[s.name] is not None]
        if rows:
            lines += ["", f"[{section}]", *(f"{s.toml_key} = {_value(settings[s.name])}" for s in rows)]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    match value:
        case str():
            return _quoted(value)
        case tuple():
            return f"[{', '.join(_value(v) for v in value)}]"
        case dict():
            return f"{{{', '.join(f'{_quoted(k)} = {_value(v)}' for k, v in value.items())}}}"
        case _:
            return repr(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML string
