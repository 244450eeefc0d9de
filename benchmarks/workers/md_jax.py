"""JAX-MD in single precision: its Lennard-Jones with the neighbor list at the skin that suits it, steps in one compiled loop."""

from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
from jax_md import energy, simulate, space
from serving import OPTIONS, cost, serve

start = np.load(OPTIONS["start"])
n, side = len(start["positions"]), float(start["side"])


class Run:
    """A simulation with a skin of its own, compiled and warmed up."""

    def __init__(self, skin):
        displacement, shift = space.periodic(side)
        neighbors_of, self.energy = energy.lennard_jones_neighbor_list(
            displacement, side, r_onset=2.499, r_cutoff=2.5, dr_threshold=skin
        )
        first, step = simulate.nvt_langevin(self.energy, shift, dt=0.005, kT=1.0, gamma=1.0)
        positions = jnp.asarray(start["positions"] % side, dtype=jnp.float32)
        self.skin, self.neighbors = skin, neighbors_of.allocate(positions, extra_capacity=4)
        self.state = first(jax.random.PRNGKey(1), positions, neighbor=self.neighbors)

        def body(_, carry):
            state, neighbors = carry
            neighbors = neighbors.update(state.position)
            return step(state, neighbor=neighbors), neighbors

        self.loop = jax.jit(lambda steps, *carry: jax.lax.fori_loop(0, steps, body, carry))
        self.advance(20)

    def advance(self, steps):
        self.state, self.neighbors = jax.block_until_ready(self.loop(steps, self.state, self.neighbors))
        if self.neighbors.did_buffer_overflow:
            raise RuntimeError("the neighbor list overflowed")


trial = max(40, 60_000 // n)
skins = (0.4, 0.7) if n < 10_000 else (0.7,)
run = min((Run(skin) for skin in skins), key=lambda run: cost(run.advance, trial))


def facts():
    found = float(run.energy(run.state.position, neighbor=run.neighbors)) / n
    return {"version": f"{version('jax-md')} (jax {jax.__version__})", "energy": found, "skin": run.skin}


serve(run.advance, per_step=n, multiple=40, facts=facts)
