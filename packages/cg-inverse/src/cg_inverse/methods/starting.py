"""What a method starts from: Boltzmann inversion, a potential, a network's answer or that of the theory of liquids."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cg_data import Potential, tabulated, theory_inversion
from cg_inverse.methods.boltzmann import boltzmann_inversion
from cg_inverse.methods.protocol import Initial
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.problems.state_point import StatePoint


def started(problem: Problem, initial: Initial) -> Array:
    """Return the coefficients to start from.

    `None` is Boltzmann inversion, U = −kT ln g. "network" asks the trained networks of cg-models for U of each state's g, and
    raises `OutsideDomain` if they know nothing like it; "theory" takes the hypernetted chain's. Of several states it is
    the weighted mean.
    """
    match initial:
        case None:
            return boltzmann_inversion(problem)
        case "network":
            return _of_states(problem, "network", _by_network)
        case "theory":
            return _of_states(problem, "theory", _by_theory)
        case str():
            raise ValueError(f"initial is a potential, 'network' or 'theory', got {initial!r}")
        case _:
            return problem.coefficients(initial)


def _of_states(problem: Problem, name: str, answer: Callable[[StatePoint], Potential]) -> Array:
    if len(problem.pairs) > 1:
        raise ValueError(
            f"initial={name!r} knows liquids of one kind of particle: this one has {', '.join(problem.pairs)}"
        )
    each = [problem.coefficients(answer(state)) for state in problem.states]
    return np.asarray(problem.weights @ np.array(each))


def _by_network(state: StatePoint) -> Potential:
    try:
        from cg_models import OutsideDomain, invert
    except ImportError as error:
        raise ImportError("initial='network' needs cg-models: pip install cg-inverse[models]") from error

    r, g = _known(state)
    try:
        return invert(r, g, state.density, state.kT, particles=_particles(state)).potential
    except OutsideDomain as error:
        raise OutsideDomain(f"{state.name}: {error}; start from initial='theory' or without") from None


def _by_theory(state: StatePoint) -> Potential:
    r, g = _known(state)
    u = theory_inversion(r, g, state.density, state.kT, particles=_particles(state))
    seen = np.flatnonzero(state.trusted[0][len(state.bins.r) - len(r) :])
    return tabulated(r[seen], u[seen])


def _known(state: StatePoint) -> tuple[Array, Array]:
    """Return r and g without the ball at r = 0, which holds no pair."""
    start = int(state.bins.r[0] == 0.0)
    return state.bins.r[start:], state.g[0][start:]


def _particles(state: StatePoint) -> int | None:
    return sum(state.particles.values()) if state.particles else None
