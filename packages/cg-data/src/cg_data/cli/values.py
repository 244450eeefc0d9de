"""Reading one setting from a TOML value or from the text of an option; ValueError says what is wrong with it."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from typing import Any

Parse = Callable[[Any], Any]
NONE = "none"


def real(given: Any) -> float:
    """Return a finite number.

    >>> real("2.5"), real(1)
    (2.5, 1.0)
    """
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise ValueError(f"must be a number, got {given!r}")
    try:
        value = float(given)
    except ValueError:
        raise ValueError(f"must be a number, got {given!r}") from None
    if not math.isfinite(value):
        raise ValueError(f"must be finite, got {given}")
    return value


def positive(given: Any) -> float:
    value = real(given)
    if value <= 0:
        raise ValueError(f"must be positive, got {given}")
    return value


def whole(least: int) -> Parse:
    """Return a reader of whole numbers from `least` on; 1e5 and 50_000 are whole numbers too."""

    def read(given: Any) -> int:
        value = real(given)
        if value != int(value) or value < least:
            raise ValueError(f"must be a whole number ≥ {least}, got {given}")
        return int(value)

    return read


def choice(*names: str) -> Parse:
    def read(given: Any) -> str:
        if given not in names:
            raise ValueError(f"must be one of {', '.join(names)}, got {given!r}")
        return str(given)

    return read


def text(given: Any) -> str:
    if not isinstance(given, str) or not given.strip():
        raise ValueError(f"must be a text, got {given!r}")
    return given


def or_word(word: str, read: Parse) -> Parse:
    """Return a reader that also takes one word, which is kept."""
    return lambda given: word if given == word else read(given)


def numbers(least: int, most: int | None = None) -> Parse:
    """Return a reader of positive numbers from 1.5,2.0 or a TOML array."""

    def read(given: Any) -> tuple[float, ...]:
        parts = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else [given]
        if len(parts) < least or (most is not None and len(parts) > most):
            wanted = f"{least} numbers" if least == most else f"at least {least} number(s)"
            raise ValueError(
                f"must be {wanted} such as {','.join(['1.5', '2.0', '2.5'][: max(least, 1)])}, got {given!r}"
            )
        return tuple(positive(part) for part in parts)

    return read


def per_type(given: Any) -> dict[str, float]:
    """Return positive numbers by type from A=0.25,B=0.75 or a TOML table.

    >>> per_type("A=0.25, B=0.75")
    {'A': 0.25, 'B': 0.75}
    """
    if isinstance(given, Mapping):
        return {name: positive(value) for name, value in given.items()}
    items = [item.partition("=") for item in str(given).split(",")]
    if not all(equals and name.strip() for name, equals, _ in items):
        raise ValueError(f"must be TYPE=NUMBER,… such as A=0.25,B=0.75, got {given!r}")
    names = [name.strip() for name, _, _ in items]
    if len(set(names)) < len(names):
        raise ValueError(f"names a type twice: {given!r}")
    return {name: positive(value) for name, (_, _, value) in zip(names, items, strict=True)}


def one_or_per_type(given: Any) -> float | dict[str, float]:
    several = isinstance(given, Mapping) or (isinstance(given, str) and "=" in given)
    return per_type(given) if several else positive(given)


def typed(read: Parse) -> Callable[[str], Any]:
    """Return a reader of an option's text that fails as argparse wants it to."""

    def checked(given: str) -> Any:
        try:
            return read(given)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked
