"""Figures and rows of notebook 05, of shaken lattices that stand for what the runs find, and of costs that are known by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

for needed in ("ase", "torch", "vesin", "matplotlib"):
    pytest.importorskip(needed, reason=f"pip install {needed}")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks" / "runs"))
if True:  # after the skips
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    import water
    import water_cost as cost
    import water_deviation as deviation
    import water_figures as figures
    import water_rows as closing
    import xarray as xr

EDGE, PER_EDGE = 12.6, 3
SIZES = (PER_EDGE**3, (2 * PER_EDGE) ** 3)


def lattice(width: float, seed: int, copies: int = 1) -> xr.Dataset:
    """Return what is measured of a simple cubic lattice that is shaken by so much."""
    noise, n = np.random.default_rng(seed), copies * PER_EDGE
    sites = np.array(list(np.ndindex(n, n, n))) * (EDGE / PER_EDGE)
    x = sites + noise.normal(0, width, (6, n**3, 3))
    return water.measured(water.beads_of(x, copies * EDGE), blocks=3)


def costs() -> xr.Dataset:
    """Return a table as water_cost.py writes it: atoms take 30 ms a step, 60 with a large network, beads 20 µs each; energies drift by (2, 1) meV/ps."""
    plan = [("cost", "atoms", 27, 0.5), ("cost", "large", 27, 1e-4)] + [
        ("cost", kind, n, 4.0) for kind in closing.KINDS for n in (27, 216)
    ]
    plan += [("drift", kind, 27, step) for kind, step in cost.DRIFTING]
    what, kind, molecules, step = map(np.array, zip(*plan, strict=True))
    seconds = np.select([what != "cost", kind == "atoms", kind == "large"], [np.nan, 30e-3, 60e-3], 20e-6 * molecules)
    drift = np.where(what == "drift", np.where(kind == "smooth", 1e-3, 2e-3), np.nan)
    columns = {"what": what, "kind": kind, "molecules": molecules, "step": step, "seconds_per_step": seconds,
               "spread": 0.1 * seconds, "drift": drift, "drift_stderr": 0.1 * drift}  # fmt: skip
    energy = drift[:, None] * 0.1 * np.arange(cost.SAMPLES)
    table = xr.Dataset({name: ("row", values) for name, values in columns.items()})
    return table.assign(energy=(("row", "sample"), energy)).assign_attrs(nve_ps=10.0, command="python …", seed=3)


def deviations() -> xr.Dataset:
    """Return a table as water_deviation.py writes it, of normal deviations that are smaller with more frames."""
    noise = np.random.default_rng(2)
    forces = noise.uniform(0, 1.5, (60, 27))
    rows = [
        deviation.row(np.abs(noise.normal(0, width, forces.shape)), forces) for width in (0.06, 0.03, 0.02, 0.06, 0.02)
    ]
    found = xr.concat(rows, "row").assign_coords(
        kind=("row", ["frame"] * 3 + ["smooth"] * 2),
        frames=("row", [10, 20, 40, 10, 40]),
        models=("row", [6] * 5),
        steps=("row", [40, 40, 100, 40, 100]),
    )
    return found.assign_attrs(limit=deviation.LIMIT, command="python …", seed="none")


def references() -> xr.Dataset:
    forces = np.random.default_rng(3).normal(size=(2, 81, 3))
    dims = ("scattered", "atom", "axis")
    return xr.Dataset(
        {"force_dft": (dims, forces), "force_model": (dims, forces + 0.05)},
        attrs={"held_out_force_rmse": 0.05, "held_out_energy_rmse": 0.001, "command": "python …", "minutes": 3.0},
    )


@pytest.fixture(scope="module")
def results():
    """Every table that figures and rows ask for; beads in the small box are as the atoms are, others are not."""
    dft, atoms = lattice(0.3, 0), lattice(0.3, 1)
    atoms = atoms.assign({water.of_dft(str(name)): dft[name] for name in dft.data_vars})
    atoms = atoms.assign_attrs(kelvin_measured=330.2, kelvin_stderr=0.4, seconds=120.0, command="python …", seed=100)
    small, large, other = lattice(0.3, 2), lattice(0.3, 3, copies=2), lattice(0.6, 4)
    moved = xr.concat([small, large, small], "row", join="outer", combine_attrs="drop")
    moved = moved.assign_coords(
        kind=("row", ["smooth", "smooth", "frame"]), beads=("row", [SIZES[0], SIZES[1], SIZES[0]])
    )
    pairs = other.expand_dims("row").assign_coords(beads=("row", [SIZES[0]]))
    beads = xr.Dataset(
        {"kind": ("row", ["frame", "smooth"]), "frames": ("row", [10, 40]), "held_out_force_rmse": ("row", [0.2, 0.1])},
        attrs={"force_rms": 0.28},
    )
    about = {"command": "python …", "seed": 7}
    return {"reference": references(), "trajectory": atoms, "beads": beads, "structure": moved.assign_attrs(about),
            "deviation": deviations(), "cost": costs(), "ibi": pairs.assign_attrs(about, seconds=60.0), "schnet": None}  # fmt: skip


def drawn(figure, panels: int) -> None:
    """Assert that a figure has its panels, each with curves and words on its axes, and can be painted."""
    axes = [a for a in figure.axes if a.has_data()]
    assert len(axes) == panels
    assert all(a.lines or a.collections for a in axes)
    labels = [a.get_ylabel() for a in axes] + [a.get_xlabel() for a in axes]
    assert any(labels[:panels])
    assert any(labels[panels:])
    figure.canvas.draw()
    plt.close(figure)


def test_every_figure_is_drawn(results):
    atoms, moved = results["trajectory"], results["structure"]
    for kind in closing.KINDS:
        drawn(figures.pairs(atoms, moved, kind), 2)
        drawn(figures.angles(atoms, moved, kind), 8)
        drawn(figures.orders(atoms, moved, kind), 4)
    u = np.array([[0.0, 0.002, 0.0]] * 2)
    known = xr.Dataset(
        {"u": (("kind", "u_r"), u), "residual": (("kind", "round"), 0.1 + u), "noise": (("kind", "round"), 0.01 + u)},
        {"kind": list(closing.KINDS), "u_r": [2.5, 3.5, 6.0]},
    )
    drawn(figures.corrections(known), 2)
    drawn(figures.deviations(results["deviation"]), 4)
    drawn(figures.costs(results["cost"]), 1)
    drawn(figures.drifts(results["cost"]), 3)
    drawn(figures.learned(results["reference"], results["beads"]), 2)
    models = {"smooth": figures.of(moved, kind="smooth", beads=SIZES[0]), "IBI": figures.of(results["ibi"], beads=SIZES[0])}  # fmt: skip
    drawn(figures.many_body(atoms, models, 4.5, 6), 6)


def test_every_row_is_a_number_or_says_that_there_is_none(results):
    rows = closing.every(results, SIZES)
    assert len({row.quantity for row in rows}) == len(rows)
    for row in rows:
        assert row.ours is None or np.isfinite(row.ours)
        assert row.error is None or np.isfinite(row.error)
        assert not (row.reached and row.ours is None)
        assert row.command.startswith("python")
        assert row.line()
    absent = {row.quantity for row in rows if row.ours is None}
    assert any(q.startswith(f"local frames, {SIZES[1]} beads") for q in absent)  # it has not run
    known = ("local frames", "SchNet", "corrected by pairs", "within 2.7 Å")  # nothing is so near
    assert all(any(word in q for word in known) for q in absent)


def test_with_nothing_but_atoms_there_is_a_row_for_every_quantity(results):
    known = {name: results[name] for name in ("reference", "trajectory")}
    rows = closing.every(known, SIZES)
    assert all(row.ours is None and not row.reached for row in rows[4:])
    words = " ".join(row.quantity for row in rows)
    for quantity in ("Δg", "angles", "q̄4", "q̄6", "Σ", "cost of a step", "exponent", "drift", "IBI", "SchNet"):
        assert quantity in words
    with pytest.raises(ValueError, match="water_reference"):
        closing.every({"reference": None, "trajectory": None})


def test_beads_that_are_like_atoms_are_told_from_those_that_are_not(results):
    rows = {row.quantity: row for row in closing.every(results, SIZES)}
    n = SIZES[0]
    cases = {"O–O–O angles within 4.5 Å: ½ ∫|ΔP|dθ": ("p", {"adf_cutoff": 4.5}), "q̄6: ½ ∫|Δ| of its density": ("steinhardt", {"l": 6})}  # fmt: skip
    for what, (curve, at) in cases.items():
        same = rows[f"smooth, {n} beads, {what}"]
        other, _ = closing.misplaced(figures.of(results["ibi"], beads=n), results["trajectory"], curve, **at)
        assert same.reached
        assert same.ours == pytest.approx(same.error, rel=0.5)  # what noise alone makes
        assert other > 1.5 * same.ours


def test_speeds_exponents_and_drifts_are_those_of_the_table():
    table = costs()
    faster, error = closing.speed(table, "smooth")
    assert faster == pytest.approx(30e-3 / (27 * 20e-6))  # 55.6
    assert error == pytest.approx(0.5 * faster * 0.1 * np.sqrt(2))
    assert closing.speed(table, "smooth", "large")[0] == pytest.approx(2 * faster)
    assert closing.exponent(table, "frame") == pytest.approx(1.0)
    quadratic = table.assign(seconds_per_step=table.seconds_per_step * table.molecules)
    assert closing.exponent(quadratic, "frame") == pytest.approx(2.0)
    rows = {row.quantity: row for row in closing.of_drift(table)}
    one = rows["smooth, 4 fs: drift of the energy in NVE, meV/ps per molecule"]
    assert one.ours == pytest.approx(1.0)
    assert one.reached
    assert not next(r for r in closing.of_cost(table.isel(row=slice(1, None))) if "over that" in r.quantity).reached


def test_a_distribution_that_is_moved_by_half_its_width_is_half_elsewhere():
    q = (np.arange(200) + 0.5) / 100
    flat = {at: ("q_l", ((q > at) & (q < at + 1)).astype(float)) for at in (0.0, 0.5)}
    iso = {n: ("angle", np.ones(4)) for n in ("adf_isotropic", "adf_isotropic_stderr")}
    coords = {"q_l": q, "angle": np.arange(4) + 0.5}
    one, other = (xr.Dataset({"steinhardt": f, "steinhardt_stderr": ("q_l", np.full(200, 0.1)), **iso}, coords) for f in flat.values())  # fmt: skip
    share, noise = closing.misplaced(one, other, "steinhardt")
    assert share == pytest.approx(0.5)
    assert noise == pytest.approx(0.5 * 2.0 * 0.1 * np.sqrt(2) * np.sqrt(2 / np.pi))  # mean of |z|, over q up to 2
    assert closing.misplaced(one, one, "steinhardt")[0] == 0


def test_angles_of_independent_directions_are_half_a_sine():
    """∫₀^π ½ sin θ dθ = 1, and half of all angles lie between 60° and 120°."""
    angle = (np.arange(180) + 0.5) * np.pi / 180
    flat = xr.Dataset({n: ("angle", np.ones(180)) for n in ("adf_isotropic", "adf_isotropic_stderr")}, {"angle": angle})
    p = water.angular(flat).p
    assert float(p.sum() * np.pi / 180) == pytest.approx(1.0, abs=1e-4)
    within = np.abs(angle - np.pi / 2) < np.pi / 6
    assert float(p[within].sum() * np.pi / 180) == pytest.approx(0.5, abs=1e-4)
