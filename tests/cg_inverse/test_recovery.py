"""Known potentials from the g(r) of another engine: targets by LAMMPS (`make_targets.py`), inversion by ours."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci

from .liquids import LIQUIDS, target_of

_SEEN = 0.2  # of g*: nearer there are hardly pairs in the loop's own runs, and U is the wall's


def fitted(
    method: ci.Method, *, rounds: int, steps: int, seed: int = 0, pressure: ci.FixedPressure | None = None
) -> ci.Step:
    """Return the loop's last round."""
    liquids = ci.Liquids(method.problem, runs=2, threads=2)
    control = ci.Control(rounds=rounds, steps=steps, seed=seed)
    return list(ci.iterate(method, liquids, control=control, pressure=pressure))[-1]


def errors(name: str, step: ci.Step) -> dict[str, np.ndarray]:
    """U − U_true of each pair in the shells where g* > 0.2."""
    state, found = ci.problem(target_of(name), cutoff=2.5).states[0], {}
    for pair, truth in LIQUIDS[name].potential.items():
        k = state.pairs.index(cd.pair_name(pair))
        r = state.bins.r[(state.g[k] > _SEEN) & (state.bins.r < truth.cutoff)]
        u = step.problem.basis.energies(step.coefficients, r)[step.problem.pairs.index(cd.pair_name(pair))]
        found[cd.pair_name(pair)] = u - truth.energy(r)
    return found


def test_lennard_jones_is_recovered_to_a_fiftieth_of_its_well():
    """Issue: 0.02 ε at ρ = 0.3. A round's shells at g* = 0.2 hold some 10⁴ pairs, 1 % of kT each."""
    step = fitted(ci.HNCGN(target_of("lj_0.3"), cutoff=2.5), rounds=12, steps=40_000)
    assert "noise" in step.finished
    assert np.abs(errors("lj_0.3", step)["A-A"]).max() < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("method", [ci.HNCN, ci.IMC], ids=lambda m: m.__name__)
def test_lennard_jones_is_recovered_by_other_methods(method):
    """A shell more of error than with HNCGN: the target's noise at the wall is 0.01 kT and the run's another 0.01."""
    step = fitted(method(target_of("lj_0.3"), cutoff=2.5), rounds=16, steps=100_000)
    error = errors("lj_0.3", step)["A-A"]
    assert np.abs(error).max() < 0.03
    assert np.sqrt(np.mean(error**2)) < 0.01


RECOVERED = {"wca_0.7": 0.03, "morse_0.5": 0.03, "mixture_0.6": 0.06}


@pytest.mark.slow
@pytest.mark.parametrize("method", [ci.HNCGN, ci.HNCN, ci.IMC], ids=lambda m: m.__name__)
@pytest.mark.parametrize("name", RECOVERED)
def test_each_pair_is_recovered_at_its_pressure(name, method):
    """Dense liquids hide U: a ramp of some 0.2 kT changes g by no more than its noise, 10⁻³ here, so that the pressure
    is given. Measured is the rms over shells; at the wall, where g* falls to 0.2, three times that is allowed.
    HNCN cuts its own step at the cutoff and looks at no residual beyond: its last 0.08 kT of WCA it takes for noise.
    """
    target = target_of(name)
    bound = 0.1 if (name, method) == ("wca_0.7", ci.HNCN) else RECOVERED[name]
    pressure = ci.FixedPressure(target.attrs["pressure"])
    step = fitted(method(target, cutoff=2.5), rounds=12, steps=60_000, pressure=pressure)
    for pair, error in errors(name, step).items():
        assert np.sqrt(np.mean(error**2)) < bound, pair
        assert np.abs(error).max() < 3 * bound, pair


@pytest.mark.slow
def test_two_densities_together_know_more_than_either():
    """g at ρ = 0.3 knows the well, g at ρ = 0.7 the wall. Together they leave less than half of what the dense one
    leaves open, and no more than a fifth more than the dilute one, whose noise alone could make them differ.

    ρ = 0.3 is near the critical point at this kT: from Boltzmann inversion the joint fit evaporates, or takes more than 12 rounds, on
    some processors and with some seeds (0 to 2 on one of them). So it starts from theory: 0.0024, 0.0021 and 0.0029 there.
    """
    dilute, dense = target_of("lj_0.3"), target_of("lj_0.7")
    fits = [fitted(ci.HNCGN(t, cutoff=2.5), rounds=12, steps=60_000) for t in (dilute, dense)]
    fits.append(fitted(ci.HNCGN([dilute, dense], cutoff=2.5, initial="theory"), rounds=24, steps=60_000))
    rms = [np.sqrt(np.mean(errors("lj_0.3", fit)["A-A"] ** 2)) for fit in fits]
    assert rms[2] < 0.5 * rms[1]
    assert rms[2] < 1.2 * rms[0]
