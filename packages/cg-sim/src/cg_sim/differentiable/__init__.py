"""Molecular dynamics with an exact gradient: `rollout` runs it, `Rollout.vjp` takes a loss back to where it came from."""

from cg_sim.differentiable.rollout import Gradients as Gradients
from cg_sim.differentiable.rollout import Rollout as Rollout
from cg_sim.differentiable.rollout import rollout as rollout
from cg_sim.differentiable.table_rows import Knots as Knots
