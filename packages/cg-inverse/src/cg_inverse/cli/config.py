"""Settings of a fit from its TOML file and its options: options override, what is unknown is an error."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cg_data import FileError
from cg_data.safe_files import sized_file
from cg_inverse.cli.settings import DEFAULTS, METHODS, ONLY, SECTIONS, SETTINGS, texts
from cg_inverse.fits.configuration import as_toml

Settings = dict[str, Any]
_BESIDE = {("target", "files"): "files", ("method", "name"): "method"}  # keys that no option has


def gathered(method: str, targets: list[str], file: str | None, options: Mapping[str, Any]) -> Settings:
    """Return every setting by name, `method` and `files` included: options before the file before defaults."""
    below: Settings = {} if file is None else read_config(file)
    given = {name: tuple(v) if isinstance(v, list) else v for name, v in options.items() if v is not None}
    if targets:
        given["files"] = tuple(targets)
        if "files" in below:  # what was said of other targets says nothing of these
            below = {k: v for k, v in below.items() if k not in _names("target")}
    found = {**DEFAULTS, "files": (), **below, **given, "method": method}
    for name, methods in ONLY.items():
        if method not in methods:
            if name in given:
                raise ValueError(f"--{name.replace('_', '-')} is for {', '.join(methods)}: {method} has none")
            found[name] = None
    return found


def _names(section: str) -> set[str]:
    return {s.name for s in SETTINGS if s.section == section}


def read_config(path: str) -> Settings:
    """Return the settings in a TOML file, checked; files are looked for beside it."""
    file = sized_file(path, max_bytes=2**20, what="configuration")
    try:
        with file.open("rb") as stream:
            tables = tomllib.load(stream)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(path, f"is not TOML ({error})", remedy="`cg-inverse ibi … --print-config` writes one") from None
    found: Settings = {}
    for section, content in tables.items():
        if section not in SECTIONS or not isinstance(content, dict):
            raise _unknown(path, section, list(SECTIONS), "table")
        found |= _section(section, content, path)
    return _beside(found, file.parent)


def _section(section: str, content: Mapping[str, Any], path: str) -> Settings:
    rows = {setting.toml_key: (setting.name, setting.read) for setting in SETTINGS if setting.section == section}
    rows |= {key: (name, texts if name == "files" else str) for (s, key), name in _BESIDE.items() if s == section}
    found = {}
    for key, value in content.items():
        if key not in rows:
            raise _unknown(path, key, list(rows), f"key in [{section}]")
        name, read = rows[key]
        try:
            found[name] = read(value)
        except ValueError as error:
            raise FileError(path, f"{section}.{key} {error}") from None
    if found.get("method", "ibi") not in METHODS:
        raise FileError(path, f"has the unknown method {found['method']!r}", remedy=f"there are {', '.join(METHODS)}")
    return found


def _unknown(path: str, name: str, known: list[str], what: str) -> FileError:
    near = [known[k] for k in _close(name.lower().replace("-", "_"), [word.lower() for word in known])]
    elsewhere = [setting.section for setting in SETTINGS if setting.toml_key == name]
    if elsewhere:
        remedy = f"it belongs in [{elsewhere[0]}]"
    else:
        remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return FileError(path, f"has the unknown {what} {name!r}", remedy=remedy)


def _close(name: str, known: list[str]) -> list[int]:
    return [known.index(word) for word in get_close_matches(name, known, 1)]


def _beside(found: Settings, folder: Path) -> Settings:
    for name in ("files", "initial"):
        if name in found:
            found[name] = tuple(_file_beside(text, folder) for text in found[name])
    if "base" in found:
        kind, colon, where = found["base"].rpartition(":")
        found["base"] = f"{kind}{colon}{folder / where}" if (folder / where).exists() else found["base"]
    return found


def _file_beside(text: str, folder: Path) -> str:
    pair, equals, source = text.rpartition("=") if "=" in text and ":" not in text else ("", "", text)
    return f"{pair}{equals}{folder / source}" if (folder / source).is_file() else text


def printed(settings: Settings) -> str:
    """Return settings as the text of a configuration file."""
    sections: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for (section, key), name in _BESIDE.items():
        sections[section][key] = settings[name] or None
    for setting in SETTINGS:
        value = settings[setting.name]
        one = isinstance(value, tuple) and len(value) == 1
        sections[setting.section][setting.toml_key] = value[0] if one else value
    return as_toml(sections)
