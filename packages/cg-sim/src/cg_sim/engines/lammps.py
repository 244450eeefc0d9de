"""The `lammps` engine: the same run by LAMMPS's Python module, its pair forces from tables written by cg-data."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from cg_sim.box import Array, volume
from cg_sim.engines import lammps_commands as commands
from cg_sim.engines.breakdown import REMEDY, check_moving
from cg_sim.engines.lammps_library import check_available, execute, open_lammps
from cg_sim.engines.protocol import BlowUp, Frame, Job, Session
from cg_sim.standard_cell import images, standard_cell
from cg_sim.state import State

__all__ = ["check_available", "start"]

_RESTART, _IMAGES = "lammps_restart", "lammps_images"


def start(job: Job) -> Session:
    """Return the job under way in LAMMPS, in reduced units (`units lj`) and double precision.

    | ensemble | in LAMMPS |
    | --- | --- |
    | NVE | `fix nve`, velocity Verlet |
    | Langevin | `fix gjf`, GJ-II with its on-site velocity and its time step set so that it is BAOAB |
    | NoseHoover | `fix nvt`, a chain of the same masses |
    | Bussi | `fix temp/csvr` with `fix nve` |
    | CellRescaling | `fix nph` or `npt`: the deterministic barostat of Martyna, Tobias and Klein with the period `tau` |

    With CellRescaling Langevin is `fix temp/csld`, velocity Verlet with one Ornstein–Uhlenbeck step at its end;
    `compressibility` and `every` have no meaning there. Averages are those of the ensemble, trajectories are not those of other engines. Energies
    agree with the PairTable to 1e-14 and forces to 1e-10, relative to 1 + |F|, for tables of 1000 knots or more.
    A run continued with `extra` repeats the uninterrupted one that has the same blocks of steps, bit for bit in
    orthorhombic boxes, to rounding in tilted ones, whose coordinates LAMMPS converts at the start of each block.
    """
    if job.precision != "double":
        raise ValueError(f"LAMMPS computes in double precision, asked for {job.precision!r}: leave precision out")
    commands.integrators(job)  # an ensemble that cannot be is refused before anything is written
    session = LammpsSession(job)
    try:
        session.begin()
    except BaseException:
        session.close()
        raise
    return session


class LammpsSession:
    """One LAMMPS instance and its scratch directory."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._cell, self._turn = standard_cell(job.state.box)
        self._home = images(job.state.positions @ self._turn.T, self._cell)
        self._lmp = open_lammps(job.threads)
        self._scratch = TemporaryDirectory(prefix="cg-sim-lammps-")
        self._frame: Frame

    def begin(self) -> None:
        job, restart = self._job, self._job.extra.get(_RESTART)
        execute(self._lmp, commands.style())
        if restart is None:
            execute(self._lmp, commands.empty_box(self._cell, len(job.state.names)))
            self._fill()
        else:
            self._home = np.asarray(job.extra[_IMAGES], dtype=np.float64)
            self._path("restart").write_bytes(np.asarray(restart, dtype=np.uint8).tobytes())
            execute(self._lmp, [f'read_restart "{self._path("restart")}"'])
        execute(self._lmp, commands.masses(job.state))
        if "masses" in self._lmp.available_ids("fix"):
            self._scatter("rmass", job.state.masses)
        if restart is None:
            execute(self._lmp, [f"reset_timestep {job.state.step}"])
        execute(self._lmp, commands.pair_tables(job.interactions, job.state.names, self._path()))
        execute(self._lmp, [*commands.output(commands.time_step(job)), *commands.integrators(job)])
        execute(self._lmp, ["run 0 post no"])
        self._frame = self._measured()
        self._require_same_state()

    def advance(self, steps: int) -> None:
        last = self._frame.state
        try:
            execute(self._lmp, commands.block(self._job, last.step, steps))
            frame = self._measured()
        except (RuntimeError, ValueError) as error:  # a State refuses what is not finite
            what = f"between steps {last.step} and {last.step + steps}: {error}; {REMEDY}"
            raise BlowUp(what, step=last.step, state=last) from None
        check_moving(
            frame.state.positions, frame.state.velocities, frame.forces,
            box=frame.state.box, dt=self._job.dt, step=frame.state.step, last=last,
        )  # fmt: skip
        self._frame = frame

    def frame(self) -> Frame:
        return self._frame

    def state(self) -> State:
        return self._frame.state

    def extra(self) -> dict[str, npt.NDArray[Any]]:
        """Return LAMMPS's own restart file: wrapped positions, thermostat chains, random numbers, to the last bit."""
        path = self._path("restart")
        execute(self._lmp, [f'write_restart "{path}"'])
        return {_RESTART: np.frombuffer(path.read_bytes(), dtype=np.uint8), _IMAGES: self._home}

    def close(self) -> None:
        self._lmp.close()
        self._scratch.cleanup()

    def _path(self, name: str = "") -> Path:
        return Path(self._scratch.name) / name

    def _fill(self) -> None:
        state = self._job.state
        x = state.positions @ self._turn.T - self._home @ self._cell
        v = state.velocities @ self._turn.T
        made = self._lmp.create_atoms(
            state.n, list(range(1, state.n + 1)), (state.types + 1).tolist(),
            x.ravel().tolist(), v.ravel().tolist(), [self._lmp.encode_image_flags(0, 0, 0)] * state.n,
        )  # fmt: skip
        if made != state.n:
            raise RuntimeError(f"LAMMPS: only {made} of {state.n} particles lie in the box {self._cell.tolist()}")

    def _measured(self) -> Frame:
        low, high, xy, yz, xz, *_ = self._lmp.extract_box()
        cell = np.array([[high[0] - low[0], 0, 0], [xy, high[1] - low[1], 0], [xz, yz, high[2] - low[2]]])
        turns = self._gather("image", kind=0) + self._home
        step = int(self._lmp.extract_global("ntimestep"))
        state = replace(
            self._job.state,
            positions=(self._gather("x") + turns @ cell) @ self._turn,
            velocities=self._gather("v") @ self._turn,
            box=cell @ self._turn,
            step=step,
        )
        xx, yy, zz, xy, xz, yz = self._lmp.numpy.extract_compute("virial", 0, 1)
        virial = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) * volume(cell)
        return Frame(
            state,
            time=step * self._job.dt,
            energy=float(self._lmp.get_thermo("pe")),
            virial=self._turn.T @ virial @ self._turn,
            forces=self._gather("f") @ self._turn,
        )

    def _gather(self, name: str, kind: int = 1) -> Array:
        found = self._lmp.gather_atoms(name, kind, 3)
        return np.ctypeslib.as_array(found).reshape(-1, 3).astype(np.float64)

    def _scatter(self, name: str, values: Array) -> None:
        self._lmp.scatter_atoms(name, 1, 1, (ctypes.c_double * len(values))(*values))

    def _require_same_state(self) -> None:
        wanted, found = self._job.state, self._frame.state
        reach = 1e-9 * float(np.abs(wanted.positions).max() + np.abs(wanted.box).max())
        if found.n != wanted.n or found.step != wanted.step or np.abs(found.positions - wanted.positions).max() > reach:
            raise ValueError(
                "`extra` belongs to another state than `state`: leave it out to start from the state alone"
            )
