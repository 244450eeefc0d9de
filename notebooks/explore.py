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
# # A liquid under sliders
#
# 256 particles on the embedded engine. At every place of a slider they move on from where they were: a few stages to the new density, 250
# steps to settle, 1000 to count pairs. λ is how much of the attraction there is: at 0 only the repulsion of Weeks, Chandler and Andersen is
# left. The gray curve is the one before. What is shown without a kernel is a picture.

# %%
import cg_data as cd
import cg_sim as cs

view = cs.explore(cd.LennardJones(cutoff=2.5).force_shifted(), kT=1.0, density=0.6)
view  # noqa: B018

# %% [markdown]
# Whatever cg-data makes a potential of will do: a formula, a sum, a table from a file. `view.seen` holds the curves of the moment.

# %%
print(f"P = {view.seen.pressure:.2f}, first peak of g {view.seen.g.max():.2f}, {1000 * view.seen.seconds:.0f} ms")
