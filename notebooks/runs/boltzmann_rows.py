"""The closing table of notebook 01: the quantities of paper 01 beside what the boltzmann_*.py runs have found."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr
from closing_table import Row

Rows = npt.NDArray[np.bool_]
_NETS, _INFORMED = "notebooks/runs/boltzmann_nets.py", "notebooks/runs/boltzmann_informed.py"
_SEEDS = "0-3"  # of the networks whose mean is shown; the test is drawn with 1
_MD, _STARTS = "notebooks/runs/boltzmann_md.py", "notebooks/runs/boltzmann_starts.py"
_G_ERRORS = {("training", 0.244): "1.4e-4", ("training", 0.512): "5.0e-4", ("test", 0.244): "2.9e-5", ("test", 0.512): "5.0e-4"}  # fmt: skip


def judged(table: xr.Dataset, column: str, rows: Rows) -> tuple[float, float]:
    """Return the mean relative error and R² of P of some rows."""
    p, found = table.pressure.values[rows], table[column].values[rows]
    return float(np.mean(np.abs(found / p - 1))), float(1 - np.sum((p - found) ** 2) / np.sum((p - p.mean()) ** 2))


def uncertain(table: xr.Dataset, column: str, rows: Rows) -> tuple[float, float]:
    """Return the standard errors of both, by rows drawn again and again (200 times, seed 0)."""
    noise, chosen = np.random.default_rng(0), np.flatnonzero(rows)
    drawn = [judged(table, column, noise.choice(chosen, len(chosen))) for _ in range(200)]
    error, r2 = np.std(drawn, axis=0, ddof=1)
    return float(error), float(r2)


def spreads(table: xr.Dataset, column: str, four: dict[int, npt.NDArray[np.intp]], most: float) -> list[float]:
    """Return how much predictions of each potential differ over densities at most, where U is below `most` kT."""
    return [
        float((table[column][rows].max("row") - table[column][rows].min("row")).where(table.u[rows[0]] <= most).max())
        for rows in four.values()
    ]


def at_four_densities(table: xr.Dataset) -> dict[int, npt.NDArray[np.intp]]:
    """Return the rows of each potential of the test that is a liquid at all densities."""
    test, of = table.test.values.astype(bool), table.potential.values
    found = {int(p): np.flatnonzero(test & (of == p)) for p in np.unique(of[test])}
    return {p: rows for p, rows in found.items() if len(rows) == 4}


def of_grids(pressure: xr.Dataset, potential: xr.Dataset) -> list[Row]:
    """Return what the 90 + 24 networks of the paper came to."""
    minutes = float(pressure.seconds.sum() + potential.seconds.sum()) / 60
    best = float(pressure.mrae_validation.mean("fold").min()), float(potential.mae_validation.mean("fold").min())
    return [
        Row("U → P: networks × options trained", "90", pressure.sizes["row"], beat="the whole grid, one table",
            reached=pressure.sizes["row"] == 90, command=_NETS, minutes=minutes),
        Row("g → U: networks × options trained", "24", potential.sizes["row"], beat="the whole grid, one table",
            reached=potential.sizes["row"] == 24, command=_NETS, minutes=minutes),
        Row("U → P: lowest mean relative error of the grid, validation", "≈ 0.1 (fig. 3)", best[0], beat="same order",
            reached=best[0] < 0.3, command=_NETS),
        Row("g → U: lowest mean absolute error of the grid, validation", "≈ 0.05 (fig. 6)", best[1], beat="≤ 0.05",
            reached=best[1] <= 0.05, unit="kT", command=_NETS),
    ]  # fmt: skip


def of_pressures(table: xr.Dataset, test: Rows) -> list[Row]:
    """Return how well P of U and P of g are known."""
    rows = []
    for name, words in (("p_paper", "UN/c → {Bn}"), ("p_informed", "informed")):
        for part, which, paper in (("training", ~test, "0.06 ± 0.01"), ("test", test, "0.11 ± 0.01")):
            (error, r2), (error_off, r2_off) = judged(table, name, which), uncertain(table, name, which)
            rows += [Row(f"U → P, {words}: mean relative error, {part}", paper, error, error=error_off, seed=_SEEDS, beat="test ≤ 0.06", reached=error <= 0.06, command=_INFORMED),
                     Row(f"U → P, {words}: R², {part}", "≈ 1.00", r2, error=r2_off, seed=_SEEDS, beat="≥ 0.998", reached=r2 >= 0.998, command=_INFORMED)]  # fmt: skip
    error, r2 = judged(table, "p0", np.ones(len(test), dtype=bool))
    rows += [Row("P₀ of B₂: mean relative error", "≈ 1.4", error, beat="same order", reached=0.3 < error < 6, command=_INFORMED),
             Row("P₀ of B₂: R²", "0.172", r2, beat="same order", reached=abs(r2) < 0.5, command=_INFORMED)]  # fmt: skip
    for name, words in (("p_paper_chained", "CN/f, UN/c"), ("p_chained", "informed")):
        for part, which, paper in (("training", ~test, "0.971"), ("test", test, "0.461 (0.802)")):
            (_, r2), (_, r2_off) = judged(table, name, which), uncertain(table, name, which)
            rows.append(Row(f"g → U → P, {words}: R², {part}", paper, r2, error=r2_off, seed=_SEEDS, beat="test ≥ 0.95, nothing excluded", reached=r2 >= 0.95, command=_INFORMED))  # fmt: skip
    return rows


def of_potentials(widths: dict[tuple[str, str], tuple[float, float]], four: list[float]) -> list[Row]:
    """Return how well U of g is known: widths δ of the error's distribution, and the spread over density."""
    rows = []
    for name in ("CN/f", "informed", "CN/f by row", "informed by row"):
        for part, paper in (("training", "0.02"), ("test", "0.03")):
            delta, error = widths[name, part]
            rows.append(Row(f"g → U, {name}: δ, {part}", paper, delta, error=error, seed=_SEEDS, beat="test ≤ 0.02", reached=delta <= 0.02,
                            unit="kT", command=_INFORMED))  # fmt: skip
    delta, error = widths["U₀", "test"]
    return [*rows, Row("U₀: δ, test", "0.5", delta, error=error, beat="same order", reached=0.1 < delta < 2, unit="kT", command=_INFORMED),
            Row(f"U of g at four densities: largest difference where U < 5 kT, median of {len(four)}", "fig. 9, small",
                float(np.median(four)), beat="a number", reached=True, unit="kT", command=_INFORMED)]  # fmt: skip


def of_dynamics(again: dict[tuple[str, str, float], dict[str, float]]) -> list[Row]:
    """Return how well predicted potentials make the g that they are from."""
    return [
        Row(f"MD with U of g, {part}, ρ = {rho:g} (U₀ {each['boltzmann']:.1e}, noise {each['again']:.1e}): mean square error of g",
            _G_ERRORS[part, rho], each["informed"], beat="≤ 1e-4", reached=each["informed"] <= 1e-4, seed="21, 22", command=_MD)
        for (part, _, rho), each in again.items()
    ]  # fmt: skip


def of_starts(begun: xr.Dataset) -> list[Row]:
    """Return what a start from the network saves beside one from Boltzmann inversion."""
    rows = []
    for method in ("ibi", "hncn"):
        boltzmann, network = to_common_residual(begun, method, "network")
        share = float(network.sum() / boltzmann.sum())
        rows.append(Row(f"{method} from U of a network, {len(network)} liquids: rounds to the residual that both reach, share of those from U₀",
                        "not done", share, beat="iterations saved, ≥ 50 potentials", reached=len(network) >= 50 and share < 1, seed="77, 78; 5", command=_STARTS))  # fmt: skip
    return rows


def to_common_residual(begun: xr.Dataset, method: str, start: str) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return how many rounds of each liquid both starts, Boltzmann inversion and another, took to the residual that both reach."""
    chosen = begun.isel(row=(begun.method == method) & begun.liquid)
    residuals = [chosen.isel(row=chosen.start == name).residual.values for name in ("boltzmann", start)]
    answered = ~np.isnan(residuals[1][:, 0])
    residuals = [each[answered] for each in residuals]
    level = np.max([np.nanmin(each, axis=1) for each in residuals], axis=0)
    rounds = [1 + np.argmax(each <= level[:, None], axis=1) for each in residuals]
    return rounds[0], rounds[1]
