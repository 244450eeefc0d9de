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

SCALE = os.environ.get("SCALE", "quick")  # of what is done live; the results are those of the laptop scale
HERE = Path.cwd() if (Path.cwd() / "runs").exists() else Path("notebooks")
sys.path.insert(0, str(HERE / "runs"))
import boltzmann_data as data
import boltzmann_figures as figures
import boltzmann_rows as closing
from closing_table import write

RESULTS = HERE / "results" / "01"

# %% [markdown]
# ## One line each way
#
# A potential that no network has seen, at a density; and its g(r), simulated, back to a potential. Both answers carry an error, the
# spread of four networks, and a score: 1 is as far from the training data as one in a hundred of them. Beyond 2 they refuse.

# %%
unseen = cd.random_splines(20, hard_cores=20, seed=12345)[18]
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
for _, same in sizes.groupby(["potential", "density"]):
    p = same.squeeze().sortby("particles").pressure.values
    worst_size = max(worst_size, abs(p[0] - p[-1]) / (abs(p[-1]) + float(same.density.squeeze()[0])))
print(f"N = 1000 against 64 000: P differs by {100 * worst_size:.2f} % of |P| + ρkT at most")

# %% [markdown]
# What the rule that drops rows does: the paper's two final networks on four folds of potentials, learned from liquids only or from
# every row that ran to its end and has a g(r), judged on liquids and on what the rule drops. What is no liquid is not predicted
# either way, though networks of P gain from seeing it.

# %%
rule = xr.load_dataset(RESULTS / "rule.nc")
for k in range(rule.sizes["row"]):
    row = rule.isel(row=k)
    unit = "mean relative error of P" if row.task == "pressure" else "mean |U − Û| [kT]"
    print(f"{unit:26s} learned from {row.learned.values!s:10s}: on liquids {float(row.liquids_error.mean()):.3f}, on dropped rows {float(row.dropped_error.mean()):.3g}")  # fmt: skip
is_liquid = liquids.kind.values == 0
for solved, words in ((True, "has"), (False, "has no")):
    rows = rule.solved.values == solved
    print(
        f"where the hypernetted chain {words} solution ({rows.sum()} rows) {100 * is_liquid[rows].mean():.0f} % were one liquid"
    )

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
print("mean relative error   training  validation")
for k in [*order[:5], *order[-3:]]:
    row = pressure_grid.isel(row=k)
    print(f"{row.network.values!s:20s} {float(row.mrae_train.mean()):9.3f} {float(row.mrae_validation.mean()):9.3f}")

# %% [markdown]
# The paper's final network, UN/c → {B₂…B₅}, and one that is told what theories of liquids say (Rogers–Young, hypernetted chain,
# Percus–Yevick, first-order perturbation) and corrects them; four of each, trained on all but the test. The mean relative error
# counts rows with P near 0, as those of attractive liquids are, as much as any other: the median says what is usual.

# %%
table = xr.load_dataset(RESULTS / "predictions.nc")
test = table.test.values.astype(bool)
shown_pressures = {"P₀": ("p0", figures.START), "UN/c → Bn": ("p_paper", figures.PAPER), "informed": ("p_informed", figures.OURS)}  # fmt: skip
figures.pressures(table, shown_pressures, test)
plt.show()
for name in ("p0", "best_theory", "p_paper", "p_informed", "p_informed_folds"):
    for part, rows in ({"validation": ~test} if "folds" in name else {"training": ~test, "test": test}).items():
        error, r2 = closing.judged(table, name, rows)
        middle = float(np.median(np.abs(table[name].values[rows] / table.pressure.values[rows] - 1)))
        print(f"{name:18s} {part:10s} mean relative error {error:.4f}, median {middle:.4f}, R² {r2:.5f}")

# %% [markdown]
# ## From g(r) to U(r) (figs. 6 to 8)

# %%
u0_off = np.abs(table.u0 - table.u).where(table.u <= figures.CAP)
u0_errors = {"mae": float(u0_off.mean("r").mean()), "mse": float((u0_off**2).mean("r").mean())}
figures.potential_grid(potential_grid, u0_errors)
plt.show()
print("network       mean |U − Û|: training, validation   mean (U − Û)²: training, validation")
for k in np.argsort(potential_grid.mae_validation.mean("fold").values):
    row = potential_grid.isel(row=k)
    means = [float(row[f"{score}_{part}"].mean()) for score in ("mae", "mse") for part in ("train", "validation")]
    print(f"{row.network.values!s:12s} {means[0]:22.3f} {means[1]:11.3f} {means[2]:24.3f} {means[3]:11.3f}")

# %%
beyond_the_core = table.u.where(table.r > 1.3).max("r").values > 1.0
dilute = np.flatnonzero(test & beyond_the_core & np.isclose(table.density, 0.125))
paper_errors = figures.curve_errors(table, "u_paper")
middle_one = int(dilute[np.argsort(paper_errors[dilute])[len(dilute) // 2]])
drawn = {"U₀": ("u0", figures.START), "CN/x": ("u_plain", "#b07aa1"), "CN/f": ("u_paper", figures.PAPER), "informed": ("u_informed", figures.OURS)}  # fmt: skip
figures.example(table, middle_one, drawn)
plt.show()

# %% [markdown]
# The informed network takes γ = h − c from g by Baxter's factorization, which is exact, and learns what the hypernetted chain
# lacks. It learned from liquids of theory with the noise of 1 000 particles, then from the campaign and from 123 further liquids of
# high pressure (`boltzmann_dense.py`), of which the campaign has few. No potential of the test is among either.

# %%
columns = {"U₀": "u0", "CN/f": "u_paper", "informed": "u_informed", "informed, folds": "u_informed_folds",
           "CN/f by row": "u_paper_by_row", "informed by row": "u_informed_by_row"}  # fmt: skip
errors = {name: figures.curve_errors(table, column) for name, column in columns.items()}
test_by_row = table.test_by_row.values.astype(bool)
figures.error_distribution({"U₀": (errors["U₀"], figures.START), "CN/f, test": (errors["CN/f"][test], figures.PAPER),
                            "informed, training": (errors["informed"][~test], "#9ecae1"), "informed, test": (errors["informed"][test], figures.OURS)})  # fmt: skip
plt.show()
widths = {}
for name, each in errors.items():
    held = test_by_row if "row" in name else ~test if "folds" in name else test
    for part, rows in (("test", held), ("training", ~held))[: 1 if "folds" in name else 2]:
        widths[name, part] = figures.decay(each[rows])
        delta, error = widths[name, part]
        print(f"{name:16s} {part:9s} δ = {delta:.4f} ± {error:.4f} kT, median {np.median(each[rows]):.4f}, mean {each[rows].mean():.4f}")  # fmt: skip

# %% [markdown]
# δ is the width of an exponential that is fitted to a histogram of 92 numbers: it depends on the bins.

# %%
held_errors = errors["informed"][test]
for bins in (8, 12, 16, 25):
    print(f"{bins:2d} bins: δ = {figures.decay(held_errors, bins=bins)[0]:.4f} kT")
figures.error_over_score(figures.domain_scores(table.g.values[test]), held_errors)
plt.show()

# %% [markdown]
# ## What limits the paper's CN/f
#
# Its error on what it learned from can be made the paper's; on potentials that it did not see it cannot, whether potentials are held
# out or rows as in the paper. The same network, 30 000 steps, with liquids by theory, of which noise and number can be chosen:

# %%
limits = xr.load_dataset(RESULTS / "limits.nc")
print("median |U − Û| [kT]              learned  held out")
for k in range(limits.sizes["row"]):
    row = limits.isel(row=k)
    print(f"{row.case.values!s:22s} {int(row.liquids) or kept:>5} liquids {float(row.median_learned):8.3f} {float(row.median_held):8.3f}")  # fmt: skip

# %% [markdown]
# Noise of g is not what limits it, and more potentials help slowly. Which of its liquids the paper kept, it does not say; sizes of its
# networks neither.

# %% [markdown]
# ## Transfer over density (fig. 9)
#
# One potential of the test with liquids at all four densities: U must not depend on ρ, and its predictions hardly do.

# %%
four = closing.at_four_densities(table)
spread, spread_u0 = (closing.spreads(table, column, four, 5.0) for column in ("u_informed", "u0"))
middle_of_four = list(four.values())[int(np.argsort(spread)[len(spread) // 2])]
figures.over_density(table, list(middle_of_four), "u_informed")
plt.show()
print(f"{len(four)} potentials of the test: largest difference of U over density where U < 5 kT:")
print(
    f"median {np.median(spread):.3f} kT (U₀ {np.median(spread_u0):.3f}), largest {max(spread):.3f} ({max(spread_u0):.3f})"
)

# %% [markdown]
# ## Simulated again (fig. 10)

# %%
md = xr.load_dataset(RESULTS / "md.nc")
figures.dynamics(md)
plt.show()
again = figures.dynamics_errors(md)
for (part, name, rho), each in again.items():
    print(f"{part:9s} {name} ρ = {rho:g}: mean square error of g " + ", ".join(f"{n} {e:.1e}" for n, e in each.items()))

# %% [markdown]
# ## From g(r) to U(r) to P (fig. 11)

# %%
chained = {"P₀ of U₀": ("p0", figures.START), "CN/f, UN/c": ("p_paper_chained", figures.PAPER), "informed": ("p_chained", figures.OURS)}  # fmt: skip
figures.pressures(table, chained, test)
plt.show()
for name in ("p_paper_chained", "p_chained"):
    for part, rows in {"training": ~test, "test": test}.items():
        error, r2 = closing.judged(table, name, rows)
        print(f"{name:16s} {part:9s} mean relative error {error:.4f}, R² {r2:.4f}")

# %% [markdown]
# ## Past the paper: a network's U as the start of iterations
#
# Liquids of potentials that no network saw, fitted until the residual is noise, in 12 rounds at most: from Boltzmann inversion, from
# theory (the hypernetted chain), from the network. From Boltzmann inversion few arrive in 12 rounds; so what is counted is the rounds
# until the residual that both a start and Boltzmann inversion reach.

# %%
begun = xr.load_dataset(RESULTS / "starts.nc")
for method in ("ibi", "hncn"):
    figures.starts(begun, method)
    plt.show()
    chosen = begun.isel(row=(begun.method == method) & begun.liquid)
    for start in ("boltzmann", "theory", "network"):
        some = chosen.isel(row=chosen.start == start)
        some = some.isel(row=~some.refused)
        print(f"{method:5s} from {start:9s}: {some.sizes['row']} fits, {int(some.at_noise.sum())} ended in noise; medians: {float(some.rounds.median()):.0f} rounds,"
              f" {float(some.evaluations.median()):.2e} particle-steps, error of U at first {float(some.start_error.median()):.3f}, at last {float(some.error.median()):.3f} kT")  # fmt: skip
    for start in ("theory", "network"):
        boltzmann, other = closing.to_common_residual(begun, method, start)
        print(f"{method:5s}, to the residual that both reach: {boltzmann.mean():.1f} rounds from U₀, {other.mean():.1f} from {start} (sooner for {(other < boltzmann).sum()}, later for {(other > boltzmann).sum()} of {len(other)})")  # fmt: skip

# %% [markdown]
# ## The paper's quantities, and ours
#
# Where the paper leaves a choice: g on 100 points to 5 σ in boxes of 1 000 particles (40 σ and up to 64 000 there), U capped from
# above; rows are split by potential, and where it says so by row as the paper did.

# %%
rows = [*closing.of_grids(pressure_grid, potential_grid), *closing.of_pressures(table, test), *closing.of_potentials(widths, spread),
        *closing.of_dynamics(again), *closing.of_starts(begun)]  # fmt: skip
write(rows, RESULTS / "table.json")
