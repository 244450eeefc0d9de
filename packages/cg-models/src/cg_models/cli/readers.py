"""Options of this command alone, from text; ValueError says what is wrong."""

from __future__ import annotations

from typing import Any

from cg_data.cli.values import real


def not_negative(given: Any) -> float:
    """Return a number that is 0 or more."""
    value = real(given)
    if value < 0:
        raise ValueError(f"must not be negative, got {given}")
    return value


def share(given: Any) -> float:
    """Return a number between 0 and 1."""
    value = real(given)
    if not 0 < value < 1:
        raise ValueError(f"must be between 0 and 1, got {given}")
    return value


def frames_slice(given: str) -> slice:
    """Return the frames START:STOP:STEP, each of which may be left out.

    >>> frames_slice("100::10")
    slice(100, None, 10)
    """
    parts = given.split(":")
    try:
        numbers = [int(part) if part else None for part in parts]
    except ValueError:
        numbers = []
    if not 2 <= len(numbers) <= 3 or any(n is not None and n < 0 for n in numbers) or numbers[2:] == [0]:
        raise ValueError(f"must be START:STOP or START:STOP:STEP, whole numbers, got {given!r}")
    return slice(*numbers)


def sizes(given: str) -> tuple[int, ...]:
    """Return the sizes of layers.

    >>> sizes("25,50,100")
    (25, 50, 100)
    """
    parts = str(given).split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise ValueError(f"must be whole numbers with commas, got {given!r}")
    return tuple(int(part) for part in parts)
