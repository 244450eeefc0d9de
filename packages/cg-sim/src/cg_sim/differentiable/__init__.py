"""Molecular dynamics with an exact gradient: `rollout` runs it, `Rollout.vjp` takes a loss back to where it came from.

`SoftRDF`, `pressure`, `energy`, `msd` and `vacf` return what they measure and the function that takes its derivatives to
those of the frames.
"""

from cg_sim.differentiable.batch import rollout_batch as rollout_batch
from cg_sim.differentiable.batch import vjp_batch as vjp_batch
from cg_sim.differentiable.cotangents import Cotangents as Cotangents
from cg_sim.differentiable.cotangents import Gradients as Gradients
from cg_sim.differentiable.motion import msd as msd
from cg_sim.differentiable.motion import vacf as vacf
from cg_sim.differentiable.rollout import Rollout as Rollout
from cg_sim.differentiable.rollout import rollout as rollout
from cg_sim.differentiable.soft_rdf import SoftRDF as SoftRDF
from cg_sim.differentiable.soft_rdf import pairs_of as pairs_of
from cg_sim.differentiable.stability import Growth as Growth
from cg_sim.differentiable.stability import growth as growth
from cg_sim.differentiable.table_rows import Knots as Knots
from cg_sim.differentiable.thermodynamics import energy as energy
from cg_sim.differentiable.thermodynamics import pressure as pressure
