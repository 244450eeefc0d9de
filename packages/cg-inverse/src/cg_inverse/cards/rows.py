"""The numbers of a transfer card as rows of text, with units, for a page or a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cg_data import pair_of
from cg_inverse.cards.records import Cost, Measured, PotentialCurve, StateReport, TransferCard

_SYMBOLS = {"sigma": "σ", "epsilon": "ε", "angstrom": "Å"}
_NONE = "–"
Quantity = tuple[str, str, Callable[[StateReport], str]]  # name, unit, and how a report says its value


@dataclass(frozen=True, slots=True)
class Row:
    """A quantity with its unit, and its value at each state."""

    quantity: str
    unit: str
    values: tuple[str, ...]


def symbol(name: str) -> str:
    """Return a unit as it is printed.

    >>> symbol("sigma"), symbol("kJ/mol")
    ('σ', 'kJ/mol')
    """
    return _SYMBOLS.get(name, name)


def reports(card: TransferCard) -> tuple[StateReport, ...]:
    return (*card.states, *card.elsewhere)


def rows(card: TransferCard) -> tuple[Row, ...]:
    """Return what the card says of each of its states, then elsewhere; quantities that no state has are left out."""
    units = {name: symbol(unit) for name, unit in card.units.items()}
    length, energy, mass = (f"({u})" if "/" in u else u for u in (units["length"], units["energy"], units["mass"]))
    types = sorted({t for curve in card.potential for t in pair_of(curve.pair)})
    quantities: list[Quantity] = [
        ("density ρ", f"{length}⁻³", lambda s: f"{s.density:.5g}"),
        ("kT", units["energy"], lambda s: f"{s.kT:.5g}"),
        ("particles", "", lambda s: str(s.particles)),
        ("steps measured", "", lambda s: f"{s.steps:,}"),
        ("residual D of g", "", lambda s: _match(s, "residual", ".3g")),
        ("  D of noise alone", "", lambda s: _match(s, "noise", ".3g")),
        ("  χ² per shell", "", lambda s: _match(s, "chi2", ".2f")),
        ("  largest |Δg|, at r", length, _largest),
        ("  Σ|Δg| over shells", "", lambda s: _match(s, "total", ".3g")),
        ("pressure P", f"{energy}/{length}³", lambda s: str(s.pressure)),
        ("compressibility κ", f"{length}³/{energy}", lambda s: _optional(s.compressibility)),
        ("  from g, Kirkwood–Buff", f"{length}³/{energy}", lambda s: _optional(s.compressibility_kirkwood_buff)),
        *(_diffusion(t, len(types) > 1, "", f"{length}√({energy}/{mass})") for t in types),
        *(_diffusion(t, len(types) > 1, "_infinite", f"{length}√({energy}/{mass})") for t in types),
        ("viscosity η", f"√({mass}{energy})/{length}²", lambda s: _optional(None if s.motion is None else s.motion.viscosity)),
        *(_closest(curve, len(card.potential) > 1, length) for curve in card.potential),
        ("energy drift per particle", f"10⁻⁵{energy}/1000 steps", _drift),
        ("time step of the run", f"{length}√({mass}/{energy})", _own_step),
        ("  largest without drift", f"{length}√({mass}/{energy})", _largest_step),
    ]  # fmt: skip
    found = [Row(name, unit, tuple(value(s) for s in reports(card))) for name, unit, value in quantities]
    return tuple(row for row in found if any(value != _NONE for value in row.values))


def costs(card: TransferCard) -> tuple[str, ...]:
    """Return in words what the fit and the card took."""
    fit = () if card.fit is None else (f"fit: {card.fit.rounds} rounds, {_cost(card.fit)}",)
    return (*fit, f"card: {_cost(card.card)}")


def _cost(cost: Cost) -> str:
    return f"{cost.force_evaluations:.3g} force evaluations (particles × steps), {cost.seconds:.3g} s"


def _match(state: StateReport, name: str, form: str) -> str:
    return _NONE if state.match is None else format(getattr(state.match, name), form)


def _largest(state: StateReport) -> str:
    return _NONE if state.match is None else f"{state.match.largest:.2g}, {state.match.worst_r:.3g}"


def _optional(value: Measured | None) -> str:
    return _NONE if value is None else str(value)


def _diffusion(kind: str, several: bool, where: str, unit: str) -> Quantity:
    name = "  in an infinite box" if where else "self-diffusion in the box"

    def value(state: StateReport) -> str:
        found = {} if state.motion is None else getattr(state.motion, f"diffusion{where}")
        return _optional(found.get(kind))

    return f"{name}, {kind}" if several else name, unit, value


def _closest(curve: PotentialCurve, several: bool, unit: str) -> Quantity:
    name = f"closest {curve.pair} (core)" if several else "closest pair (core of U)"

    def value(state: StateReport) -> str:
        return f"{state.closest[curve.pair]:.4g} ({curve.core:.4g})" if curve.pair in state.closest else _NONE

    return name, unit, value


def _drift(state: StateReport) -> str:
    if state.stability is None:
        return _NONE
    drift = state.stability.tried[0].drift
    return "broke down" if drift is None else str(Measured(1e5 * drift.value, 1e5 * drift.error)).replace("-", "−")


def _own_step(state: StateReport) -> str:
    return _NONE if state.stability is None else f"{state.stability.tried[0].dt:.4g}"


def _largest_step(state: StateReport) -> str:
    if state.stability is None:
        return _NONE
    return "none" if state.stability.largest_dt is None else f"{state.stability.largest_dt:.4g}"


def repeat(card: TransferCard) -> str:
    """Return in one line what the card was made with."""
    settings = ", ".join(f"{name} {value}" for name, value in card.settings.items())
    packages = ", ".join(f"{name} {value}" for name, value in card.packages.items())
    command = f"{card.command}; " if card.command else ""
    return f"{command}seed {card.seed}; {settings}; {packages}"
