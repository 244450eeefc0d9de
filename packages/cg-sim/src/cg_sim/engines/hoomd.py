"""HOOMD-blue (versions 4 to 7) as an engine: pair tables or any energy function, on a CPU, a GPU or several ranks.

What differs from the other engines: U and F are interpolated linearly (`hoomd_tables`), the algorithms behind the
thermostats and the barostat are HOOMD's (`hoomd_methods`), seeds have 16 bits, `threads` is unused (HOOMD's CPU
parallelism is `mpirun -n N`, for which mpi4py carries frames to all ranks) and the precision is HOOMD's build.
A resumed run continues the uninterrupted one to rounding, not bit for bit: HOOMD sums forces in another order.

Only names that versions 4 to 7 share are used (Bussi needs 4.3); the tests have been run on 4.8.2, CPU, one rank and two.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

try:
    import hoomd
except ImportError as error:
    raise ImportError("the hoomd engine needs HOOMD-blue 4 or later: conda install -c conda-forge hoomd") from error

from cg_sim.box import Array, nearest_image
from cg_sim.curves import nearest_distance, tables_of, unreachable_energy
from cg_sim.engines.breakdown import REMEDY, check_moving
from cg_sim.engines.hoomd_custom_force import energy_force
from cg_sim.engines.hoomd_methods import integration_method, restore, variables
from cg_sim.engines.hoomd_snapshots import snapshot_of, state_of
from cg_sim.engines.hoomd_tables import core_watch, neighbor_list, pair_force
from cg_sim.engines.hoomd_trajectory import trajectory_writer
from cg_sim.engines.protocol import BlowUp, Frame, Job
from cg_sim.standard_cell import standard_cell
from cg_sim.state import State

__all__ = ["HoomdSession", "energy_force", "start"]

Device = Literal["auto", "cpu", "gpu"]
_BLOCK = 1000  # steps between looks for a blow-up


def start(job: Job, *, device: Device = "auto", points: int = 20_000) -> HoomdSession:
    """Return a session in HOOMD.

    `job.forces` is Interactions, tabulated at `points` distances, or an energy function as `energy_force` takes it.
    "auto" is a GPU where there is one. A trajectory gets one frame at the start and one at the end of every
    `advance`.
    """
    return HoomdSession(job, _device(device), points)


def folded(seed: int) -> int:
    """Return the exclusive or of a seed's 16-bit words: all HOOMD has room for, so different seeds may coincide.

    >>> folded(7), folded(2**32 + 7)
    (7, 6)
    """
    rest, short = int(seed) % 2**64, 0
    while rest:
        rest, word = divmod(rest, 2**16)
        short ^= word
    return short


class HoomdSession:
    """A `hoomd.Simulation` under way, at `simulation` for whoever wants to add to it."""

    def __init__(self, job: Job, device: Any, points: int) -> None:
        _check_build(job)
        self._job, self._points, self._ranks = job, points, device.communicator
        self._turn = standard_cell(job.state.box)[1]
        self._good = job.state  # the present state once it is known to be sound
        self.simulation = hoomd.Simulation(device, seed=folded(job.seed))
        self.simulation.timestep = job.state.step
        self.simulation.create_state_from_snapshot(snapshot_of(job.state, self._ranks))
        self._add_forces()
        self._method = integration_method(job)
        integrator = hoomd.md.Integrator(job.dt, methods=[self._method], forces=[self._force])
        self.simulation.operations.integrator = integrator
        self._writer = self._add_trajectory()
        self.simulation.run(0, write_at_start=not job.extra)
        self._restore()
        self._check()

    def advance(self, steps: int) -> None:
        simulation, end = self.simulation, self.simulation.timestep + steps
        if self._writer is not None:
            self._writer.trigger = hoomd.trigger.On(end)
        while simulation.timestep < end:
            try:
                simulation.run(min(_BLOCK, end - simulation.timestep))
            except RuntimeError as error:
                raise self._lost(str(error)) from error
            self._check()

    def frame(self) -> Frame:
        state = self.state()
        sampled = self.simulation.always_compute_pressure
        self.simulation.always_compute_pressure = True  # unless it was, the forces are evaluated once more
        virials, forces, energy = self._force.virials, self._force.forces, float(self._force.energy)
        self.simulation.always_compute_pressure = sampled
        forces, virial = self._shared(self._turned(forces, virials) if self._ranks.rank == 0 else None)
        return Frame(state=state, time=state.step * self._job.dt, energy=energy, virial=virial, forces=forces)

    def state(self) -> State:
        if self._good.step != self.simulation.timestep:  # interrupted, or run by someone else
            self._check()
        return self._good

    def extra(self) -> dict[str, npt.NDArray[Any]]:
        found = variables(self._method) | {"step": np.array(self.simulation.timestep)}
        if isinstance(self._method, hoomd.md.methods.Langevin):
            particles = self._root_particles()
            found["acceleration"] = self._shared(None if particles is None else np.array(particles.acceleration))
        if self._writer is not None:
            self._writer.flush()
        return found

    def close(self) -> None:
        if self._writer is not None:
            self._writer.flush()
            self.simulation.operations.writers.remove(self._writer)
            self._writer = None

    def _add_forces(self) -> None:
        job, simulation = self._job, self.simulation
        self._watch: Any = None
        if callable(job.forces):
            if self._ranks.num_ranks > 1:
                raise ValueError("an energy function needs all particles: run it on one rank")
            simulation.operations.tuners.clear()  # keeps the order, so that the function sees HOOMD's memory itself
            simulation.always_compute_pressure = True  # the function gives its virial in any case
            self._force = energy_force(job.forces)
            return
        names = job.state.names
        self._tables = tables_of(job.interactions, names)
        neighbors = neighbor_list(job.state.box, max(table.cutoff for table in self._tables.values()))
        self._force = pair_force(self._tables, names, neighbors, self._points)
        self._ceiling = unreachable_energy(job.state, job.kT)
        self._watch = core_watch(self._tables, names, neighbors, self._ceiling)
        simulation.operations.computes.append(self._watch)

    def _add_trajectory(self) -> Any:
        job = self._job
        if job.trajectory is None:
            return None
        writer = trajectory_writer(job.trajectory, job.state, resumed=bool(job.extra), rank=self._ranks.rank)
        self.simulation.operations.writers.append(writer)
        return writer

    def _restore(self) -> None:
        extra = self._job.extra
        restore(self._method, extra)
        if "acceleration" in extra:  # Langevin's holds the last random force, which the next half step feels too
            with self.simulation.state.cpu_local_snapshot as local:
                local.particles.acceleration[:] = extra["acceleration"][np.array(local.particles.tag)]

    def _turned(self, forces: Array, virials: Array | None) -> tuple[Array, Array]:
        """Return forces and the sum of virials (xx, xy, xz, yy, yz, zz per particle) in the state's orientation."""
        turn = self._turn
        if virials is None or not getattr(self._force, "gives_virial", True):
            virials = np.full((1, 6), np.nan)
        xx, xy, xz, yy, yz, zz = np.sum(virials, axis=0)
        virial = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        return forces @ turn, turn.T @ virial @ turn

    def _check(self) -> None:
        """Take the present state as good, or raise BlowUp."""
        step, particles, forces = self.simulation.timestep, self._root_particles(), self._force.forces
        found = self._shared(None if particles is None else self._sound(particles, forces, step))
        if not isinstance(found, State):
            raise BlowUp(found[0], step=step, particles=found[1], state=self._good)
        if self._watch is not None and self._watch.energy > 0:
            near = self._watch.energies
            raise self._too_close(found, self._shared(None if near is None else np.flatnonzero(near)))
        self._good = found

    def _sound(self, particles: Any, forces: Array, step: int) -> State | tuple[str, tuple[int, ...]]:
        """Return the present state, or what is wrong with it and which particles, as ranks can share it."""
        last, x, v = self._good, particles.position, particles.velocity
        try:
            check_moving(x, v, forces, box=last.box, dt=self._job.dt, step=step, last=last)
        except BlowUp as error:
            return error.what, error.particles
        return state_of(self._snapshot, step=step, turn=self._turn)

    def _too_close(self, state: State, near: npt.NDArray[np.int64]) -> BlowUp:
        i, j, r = _closest(state, near)
        a, b = sorted((int(state.types[i]), int(state.types[j])))
        least = nearest_distance(self._tables[a, b], self._ceiling)
        what = (
            f"at step {state.step} particles {i} and {j} are {r:.6g} apart, nearer than any pair comes in equilibrium "
            f"({least:.6g}); {REMEDY}"
        )
        return BlowUp(what, step=state.step, particles=(i, j), state=self._good)

    def _lost(self, message: str) -> BlowUp:
        step, named = self.simulation.timestep, re.search(r"unique tag (\d+)", message)
        what = f"between steps {self._good.step} and {step} HOOMD stopped: {' '.join(message.split())}; {REMEDY}"
        return BlowUp(what, step=step, particles=(int(named[1]),) if named else (), state=self._good)

    def _root_particles(self) -> Any:
        """Return the present particles on rank 0, None on the others."""
        self._snapshot = self.simulation.state.get_snapshot()
        return self._snapshot.particles if self._ranks.rank == 0 else None

    def _shared(self, value: Any) -> Any:
        """Return rank 0's value on every rank."""
        if self._ranks.num_ranks == 1:
            return value
        try:
            from mpi4py import MPI
        except ImportError as error:
            raise ImportError(
                "HOOMD on several ranks needs mpi4py, built for the same MPI: conda install -c conda-forge mpi4py"
            ) from error
        return MPI.COMM_WORLD.bcast(value, root=0)


def _closest(state: State, near: npt.NDArray[np.int64]) -> tuple[int, int, float]:
    x = state.positions[near]
    r = np.linalg.norm(nearest_image(x[:, None] - x[None, :], state.box), axis=-1)
    np.fill_diagonal(r, np.inf)
    i, j = np.unravel_index(int(np.argmin(r)), r.shape)
    return int(near[i]), int(near[j]), float(r[i, j])


def _device(name: Device) -> Any:
    gpu = hoomd.device.GPU
    match name:
        case "cpu":
            return hoomd.device.CPU(notice_level=1)
        case "gpu":
            return gpu(notice_level=1)
        case "auto":
            found = gpu.is_available() and gpu.get_available_devices()
            return _device("gpu" if found else "cpu")
        case _:
            raise ValueError(f"device must be auto, cpu or gpu, got {name!r}")


def _check_build(job: Job) -> None:
    version, bits = hoomd.version.version, hoomd.version.floating_point_precision
    if int(version.split(".")[0]) < 4:
        raise ImportError(f"HOOMD-blue {version} is too old: conda install -c conda-forge 'hoomd>=4'")
    if job.precision == "double" and bits[0] != 64:
        raise ValueError(f"this HOOMD-blue was built in {bits[0]} bits: ask for precision='single' or another build")
