# ---
# jupyter:
#   jupytext:
#     formats: py:percent,ipynb
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 01 · BoltzmaNN: networks from U(r) to the pressure and from g(r) to U(r)
#
# F. Berressem and A. Nikoubashman, *BoltzmaNN: Predicting effective pair potentials and equations of state using neural networks*,
# J. Chem. Phys. 154, 124123 (2021).
#
# Random pair potentials, their liquids simulated, and networks that learn both directions. The simulations and trainings are those
# of `notebooks/runs/boltzmann_*.py`, resumable commands whose results lie in `notebooks/results/01`; what is quick is done live.

# %%
import os
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import cg_data as cd
import cg_models as cm
import cg_sim as cs

SCALE = os.environ.get(
    "SCALE", "quick"
)  # results are those of the laptop scale; quick and laptop differ in what is done live
HERE = Path.cwd() if (Path.cwd() / "runs").exists() else Path("notebooks")
sys.path.insert(0, str(HERE / "runs"))
import boltzmann_data as data
import boltzmann_figures as figures
from closing_table import Row, write

RESULTS = HERE / "results" / "01"

# %% [markdown]
# ## One line each way
#
# A potential that no network has seen, at a density; and its g(r), simulated, back to a potential. Both answers carry an error, the
# spread of four networks, and a score: 1 is as far from the training data as one in a hundred of them. Beyond 2 they refuse.

# %%
unseen = cd.random_splines(20, hard_cores=20, seed=12345)[7]
began = time.perf_counter()
quick_pressure = cm.pressure(unseen, 0.3)
asked = time.perf_counter() - began
run = cs.simulate(cs.fcc(1000, 0.3), unseen, kT=1.0, steps={"quick": 10_000}.get(SCALE, 40_000), equilibration=3_000, dt=0.005,
                  thermostat=cs.Langevin(1.0), observe=[cs.RDF(5.0, 100), cs.Pressure()], sample_every=20, seed=3)  # fmt: skip
print(f"P: {quick_pressure.value:.4f} ± {quick_pressure.stderr:.4f} in {asked:.2f} s, score {quick_pressure.score:.2f}")
print(f"   {float(run.data.pressure):.4f} ± {float(run.data.pressure_stderr):.4f} simulated")
inverted = cm.invert(run.data.r.values, run.data.g.values[0], 0.3, sigma=1.0, particles=1000)
fig, panel = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
panel.plot(inverted.r, unseen.energy(inverted.r), color="0.7", lw=4, label="U")
panel.errorbar(inverted.r, inverted.u, inverted.stderr, fmt=".", ms=4, label="cm.invert(g, ρ)")
panel.set(xlabel="r/σ", ylabel="U/kT", ylim=(-2, 12))
panel.legend(frameon=False)
plt.show()
try:
    cm.pressure(cd.GaussianCore(-30.0, 1.0, cutoff=5.0), 0.3)
except cm.OutsideDomain as refusal:
    print(refusal)

# %% [markdown]
# ## The data (fig. 1)
#
# 657 random splines, 344 of them with a hard core, at four densities. Every row is kept with a verdict; the networks see those that
# were one liquid in equilibrium. The paper ran 1 678 of the 2 628 rows and kept 891.

# %%
liquids = xr.load_dataset(data.LIQUIDS)
kinds = np.array(["liquid", "drifting", "separated", "ordered", "broken"])
done = liquids.isel(row=liquids.done.values)
print(f"{'density':>8} " + " ".join(f"{kind:>10}" for kind in kinds))
for rho in np.unique(done.density):
    counts = np.bincount(done.kind.values[done.density.values == rho], minlength=len(kinds))
    print(f"{rho:8g} " + " ".join(f"{n:10d}" for n in counts))
kept = int((done.kind == 0).sum())
print(f"{kept} of {done.sizes['row']} kept; {float((done.steps * done.particles).sum()):.3g} particle-steps")
potentials = data.potentials()
whole = [n for n in np.unique(done.potential) if (done.kind.values[done.potential.values == n] == 0).sum() == 4]
shown = [whole[0], whole[len(whole) // 2], whole[-1]]
r_u = np.linspace(0.02, 5, 400)
figures.curves(done, {n: potentials[n].energy(r_u) * (r_u < potentials[n].cutoff) for n in shown}, r_u, 0.125, shown[0])
plt.show()

# %% [markdown]
# What smaller boxes cost: three potentials at four densities, against N = 64 000, the paper's largest.

# %%
sizes = xr.load_dataset(RESULTS / "sizes.nc")
figures.sizes(sizes)
plt.show()
worst_size = 0.0
for (_, _), same in sizes.groupby(["potential", "density"]):
    same = same.squeeze().sortby("particles")
    worst_size = max(
        worst_size,
        abs(float(same.pressure[0] - same.pressure[-1])) / (abs(float(same.pressure[-1])) + float(same.density[0])),
    )
print(f"N = 1000 against 64 000: P differs by {100 * worst_size:.2f} % of |P| + ρkT at most")

# %% [markdown]
# ## From U(r) to P (figs. 3 and 4)
#
# The paper's 90 networks: three architectures, ten ways to show them U, three things to predict; four folds, no potential on
# both sides. Mean and standard error over folds.

# %%
grids = xr.open_datatree(RESULTS / "grids.nc").load()
pressure_grid, potential_grid = grids["pressure"].to_dataset(), grids["potential"].to_dataset()
figures.pressure_grid(pressure_grid)
plt.show()
order = np.argsort(pressure_grid.mrae_validation.mean("fold").values)
for k in [*order[:5], *order[-3:]]:
    row = pressure_grid.isel(row=k)
    print(f"{row.network.values!s:12s} {float(row.mrae_train.mean()):.3f} {float(row.mrae_validation.mean()):.3f}")

# %% [markdown]
# The paper's final network, UN/c → {B₂…B₅}, and one that is told what theories of liquids say (Rogers–Young, hypernetted chain,
# Percus–Yevick, first-order perturbation) and corrects them; four of each, trained on all but the test.

# %%
table = xr.load_dataset(RESULTS / "predictions.nc")
test = table.test.values.astype(bool)
figures.pressures(
    table,
    {"P₀": ("p0", figures.START), "UN/c → Bn": ("p_paper", figures.PAPER), "informed": ("p_informed", figures.OURS)},
    test,
)
plt.show()


def judged(found: str, rows: np.ndarray) -> tuple[float, float]:
    """Return the mean relative error and R² of some rows."""
    p, q = table.pressure.values[rows], table[found].values[rows]
    return float(np.mean(np.abs(q / p - 1))), float(1 - np.sum((p - q) ** 2) / np.sum((p - p.mean()) ** 2))


for name in ("p0", "best_theory", "p_paper", "p_informed", "p_informed_folds"):
    parts = {"training": ~test, "test": test} if name != "p_informed_folds" else {"validation": ~test}
    for part, rows in parts.items():
        error, r2 = judged(name, rows)
        middle = float(np.median(np.abs(table[name].values[rows] / table.pressure.values[rows] - 1)))
        print(f"{name:18s} {part:10s} mean relative error {error:.4f}, median {middle:.4f}, R² {r2:.5f}")

# %% [markdown]
# ## From g(r) to U(r) (figs. 6 to 8)

# %%
inside = (table.u <= figures.CAP).values
u0_off = np.abs(table.u0 - table.u).where(table.u <= figures.CAP)
figures.potential_grid(
    potential_grid, {"mae": float(u0_off.mean("r").mean()), "mse": float((u0_off**2).mean("r").mean())}
)
plt.show()
order = np.argsort(potential_grid.mae_validation.mean("fold").values)
for k in order:
    row = potential_grid.isel(row=k)
    print(
        f"{row.network.values!s:8s} mae {float(row.mae_train.mean()):.3f} {float(row.mae_validation.mean()):.3f}, mse {float(row.mse_train.mean()):.3f} {float(row.mse_validation.mean()):.3f}"
    )

# %%
dilute = np.flatnonzero(test & np.isclose(table.density, 0.125))
paper_errors = figures.curve_errors(table, "u_paper")
chosen = int(dilute[np.argsort(paper_errors[dilute])[len(dilute) // 2]])
figures.example(
    table,
    chosen,
    {
        "U₀": ("u0", figures.START),
        "CN/x": ("u_plain", "#b07aa1"),
        "CN/f": ("u_paper", figures.PAPER),
        "informed": ("u_informed", figures.OURS),
    },
)
plt.show()

# %%
errors = {name: figures.curve_errors(table, column) for name, column in
          (("U₀", "u0"), ("CN/f", "u_paper"), ("informed", "u_informed"), ("informed, folds", "u_informed_folds"),
           ("CN/f by row", "u_paper_by_row"), ("informed by row", "u_informed_by_row"))}  # fmt: skip
test_by_row = table.test_by_row.values.astype(bool)
figures.error_distribution({"U₀": (errors["U₀"], figures.START), "CN/f, test": (errors["CN/f"][test], figures.PAPER),
                            "informed, training": (errors["informed"][~test], "#9ecae1"), "informed, test": (errors["informed"][test], figures.OURS)})  # fmt: skip
plt.show()
widths = {}
for name, each in errors.items():
    held = test_by_row if "row" in name else ~test if "folds" in name else test
    for part, rows in (("test", held), ("training", ~held)):
        if "folds" in name and part == "training":
            continue
        widths[name, part] = figures.decay(each[rows])
        print(
            f"{name:16s} {part:9s} δ = {widths[name, part][0]:.4f} ± {widths[name, part][1]:.4f} kT, median {np.median(each[rows]):.4f}, mean {each[rows].mean():.4f}"
        )

# %% [markdown]
# ## Transfer over density (fig. 9)
#
# One potential of the test with liquids at all four densities: U must not depend on ρ, and its predictions hardly do.

# %%
by_potential = {
    int(p): np.flatnonzero(test & (table.potential.values == p)) for p in np.unique(table.potential.values[test])
}
four = {p: rows for p, rows in by_potential.items() if len(rows) == 4}
spread = {
    p: float((table.u_informed[rows].max("row") - table.u_informed[rows].min("row")).where(table.u[rows[0]] <= 5).max())
    for p, rows in four.items()
}
spread_u0 = {
    p: float((table.u0[rows].max("row") - table.u0[rows].min("row")).where(table.u[rows[0]] <= 5).max())
    for p, rows in four.items()
}
middle = sorted(spread, key=spread.__getitem__)[len(spread) // 2]
figures.over_density(table, list(four[middle]), "u_informed")
plt.show()
print(
    f"{len(four)} potentials of the test: largest difference of U over density where U < 5 kT: median {np.median(list(spread.values())):.3f} kT (U₀ {np.median(list(spread_u0.values())):.3f})"
)

# %% [markdown]
# ## Simulated again (fig. 10)

# %%
md = xr.load_dataset(RESULTS / "md.nc")
figures.dynamics(md)
plt.show()
again = figures.dynamics_errors(md)
for case, each in again.items():
    print(
        f"{case[0]:9s} {case[1]} ρ = {case[2]:g}: mean square error of g "
        + ", ".join(f"{name} {value:.1e}" for name, value in each.items())
    )

# %% [markdown]
# ## From g(r) to U(r) to P (fig. 11)

# %%
figures.pressures(
    table,
    {
        "P₀ of U₀": ("p0", figures.START),
        "CN/f, UN/c": ("p_paper_chained", figures.PAPER),
        "informed": ("p_chained", figures.OURS),
    },
    test,
)
plt.show()
for name in ("p_paper_chained", "p_chained"):
    for part, rows in {"training": ~test, "test": test}.items():
        error, r2 = judged(name, rows)
        print(f"{name:16s} {part:9s} mean relative error {error:.4f}, R² {r2:.4f}")

# %% [markdown]
# ## Past the paper: a network's U as the start of iterations
#
# 60 liquids of potentials that no network saw. From Boltzmann inversion, from theory (the hypernetted chain), from the network.

# %%
begun = xr.load_dataset(RESULTS / "starts.nc")
saved = {}
for method in ("ibi", "hncn"):
    figures.starts(begun, method)
    plt.show()
    chosen = begun.isel(row=(begun.method == method) & begun.liquid)
    for start in ("boltzmann", "theory", "network"):
        some = chosen.isel(row=chosen.start == start)
        saved[method, start] = some
        print(f"{method:5s} from {start:9s}: {some.sizes['row']} fits, {int(some.at_noise.sum())} ended in noise, median rounds {float(some.rounds.where(~some.refused).median()):.0f},"
              f" particle-steps {float(some.evaluations.median()):.2e}, error of U {float(some.error.median()):.3f} kT, refused {int(some.refused.sum())}")  # fmt: skip

# %% [markdown]
# ## The paper's quantities, and ours

# %%
commands = {
    "nets": "notebooks/runs/boltzmann_nets.py",
    "informed": "notebooks/runs/boltzmann_informed.py",
    "md": "notebooks/runs/boltzmann_md.py",
    "starts": "notebooks/runs/boltzmann_starts.py",
}
minutes = float(pressure_grid.seconds.sum() + potential_grid.seconds.sum()) / 60
best_pressure, best_potential = (
    pressure_grid.mrae_validation.mean("fold").min(),
    potential_grid.mae_validation.mean("fold").min(),
)
rows = [
    Row("U → P: networks × options trained", "90", pressure_grid.sizes["row"], beat="the whole grid, one table", reached=pressure_grid.sizes["row"] == 90,
        command=commands["nets"], minutes=minutes),
    Row("U → P: lowest mean relative error of the grid, validation", "≈ 0.1 (fig. 3)", float(best_pressure), beat="shown", reached=True, command=commands["nets"]),
    Row("g → U: networks × options trained", "24", potential_grid.sizes["row"], beat="the whole grid, one table", reached=potential_grid.sizes["row"] == 24,
        command=commands["nets"]),
    Row("g → U: lowest mean absolute error of the grid, validation", "≈ 0.05 (fig. 6)", float(best_potential), beat="shown", reached=True, unit="kT", command=commands["nets"]),
]  # fmt: skip
for name, words, least in (("p_paper", "UN/c → {Bn}", 0.11), ("p_informed", "informed", 0.06)):
    for part, which, paper in (("training", ~test, "0.06 ± 0.01"), ("test", test, "0.11 ± 0.01")):
        error, r2 = judged(name, which)
        rows.append(
            Row(
                f"U → P, {words}: mean relative error, {part}",
                paper,
                error,
                beat="test ≤ 0.06",
                reached=error <= least,
                command=commands["informed"],
            )
        )
        rows.append(
            Row(
                f"U → P, {words}: R², {part}",
                "≈ 1.00",
                r2,
                beat="≥ 0.998",
                reached=r2 >= 0.998,
                command=commands["informed"],
            )
        )
error, r2 = judged("p0", np.ones(len(test), dtype=bool))
rows += [Row("P₀ of B₂: mean relative error", "≈ 1.4", error, beat="same order", reached=0.3 < error < 6, command=commands["informed"]),
         Row("P₀ of B₂: R²", "0.172", r2, beat="same order", reached=abs(r2) < 0.5, command=commands["informed"])]  # fmt: skip
for name, words in (
    ("CN/f", "CN/f"),
    ("informed", "informed"),
    ("CN/f by row", "CN/f, split by rows"),
    ("informed by row", "informed, split by rows"),
):
    for part, paper in (("training", "0.02"), ("test", "0.03")):
        delta, error = widths[name, part]
        rows.append(
            Row(
                f"g → U, {words}: δ, {part}",
                paper,
                delta,
                error=error,
                beat="test ≤ 0.02",
                reached=delta <= 0.02,
                unit="kT",
                command=commands["informed"],
            )
        )
delta, error = figures.decay(errors["U₀"])
rows.append(
    Row(
        "U₀: δ",
        "0.5",
        delta,
        error=error,
        beat="same order",
        reached=0.1 < delta < 2,
        unit="kT",
        command=commands["informed"],
    )
)
for (part, _, rho), each in again.items():
    paper = {
        ("training", 0.244): "1.4e-4",
        ("training", 0.512): "5.0e-4",
        ("test", 0.244): "2.9e-5",
        ("test", 0.512): "5.0e-4",
    }[part, rho]
    rows.append(Row(f"MD with predicted U, {part}, ρ = {rho:g}: mean square error of g (U₀ {each['boltzmann']:.1e}, noise {each['again']:.1e})", paper, each["informed"],
                    beat="≤ 1e-4", reached=each["informed"] <= 1e-4, seed="21, 22", command=commands["md"]))  # fmt: skip
rows.append(Row(f"U from g at four densities: largest difference where U < 5 kT, median of {len(four)} potentials", "fig. 9, small", float(np.median(list(spread.values()))),
                beat="a number", reached=True, unit="kT", command=commands["informed"]))  # fmt: skip
for name, words in (("p_paper_chained", "CN/f, UN/c"), ("p_chained", "informed")):
    for part, which, paper in (("training", ~test, "0.971"), ("test", test, "0.461 (0.802)")):
        error, r2 = judged(name, which)
        rows.append(
            Row(
                f"g → U → P, {words}: R², {part}",
                paper,
                r2,
                beat="test ≥ 0.95, nothing excluded",
                reached=r2 >= 0.95,
                command=commands["informed"],
            )
        )
for method in ("ibi", "hncn"):
    costs = {start: float(saved[method, start].evaluations.sum()) for start in ("boltzmann", "theory", "network")}
    fits = saved[method, "network"].sizes["row"]
    rows.append(Row(f"{method} from the network: particle-steps, share of those from U₀, {fits} potentials", "not done", costs["network"] / costs["boltzmann"],
                    beat="iterations saved, ≥ 50 potentials", reached=bool(fits >= 50 and costs["network"] < costs["boltzmann"]), command=commands["starts"]))  # fmt: skip
write(rows, RESULTS / "table.json")
