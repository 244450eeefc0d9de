"""`simulate_batch`: replicas and state points side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np

from cg_data import Potential, Units
from cg_sim.engines.protocol import Precision
from cg_sim.engines.registry import EngineName
from cg_sim.ensembles import Barostat, Langevin, Thermostat
from cg_sim.observables.protocol import Observable
from cg_sim.run_loop import RunLoop
from cg_sim.run_result import Run
from cg_sim.running import job_of, simulate
from cg_sim.schedule import Schedule
from cg_sim.state import State

_NEVER = 2**62  # steps


def simulate_batch(
    states: State | Sequence[State],
    potentials: Potential | Mapping[tuple[str, str], Potential] | Sequence[Any],
    *,
    kT: float | Sequence[float],
    steps: int,
    dt: float = 0.005,
    equilibration: int | Literal["auto"] = 0,
    thermostat: Thermostat = Langevin(),
    barostat: Barostat | None = None,
    observe: Sequence[Observable] = (),
    sample_every: int = 50,
    engine: EngineName = "cpu",
    seed: int = 0,
    threads: int = 1,
    precision: Precision = "double",
    replicas: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Run, ...]:
    """Run several simulations at once, `threads` of them at a time, and return their results in order.

    With engine="cuda" all of them run side by side on the GPU, a thread block for each.

    `states`, `potentials` and `kT` are one for all or one each; `replicas` repeats one of each. Run k has the seed
    `seed + k`, so its result is that of `simulate` alone with that seed. `progress(done, all)` counts finished runs.

    >>> from cg_data import LennardJones
    >>> from cg_sim import fcc
    >>> runs = simulate_batch(fcc(108, 0.7), LennardJones(), kT=[0.9, 1.1], steps=100)
    >>> [float(run.data.kT) for run in runs]
    [0.9, 1.1]
    """
    columns = [_listed(states), _listed(potentials), _listed(kT)]
    count = _length(columns, replicas)
    rows = list(zip(*(column * count if len(column) == 1 else column for column in columns), strict=True))

    def one(k: int) -> Run:
        state, potential, temperature = rows[k]
        return simulate(
            state, potential, kT=temperature, steps=steps, dt=dt, equilibration=equilibration, thermostat=thermostat,
            barostat=barostat, observe=observe, sample_every=sample_every, engine=engine, seed=seed + k,
            precision=precision,
        )  # fmt: skip

    if engine == "cuda":
        if equilibration == "auto":
            raise ValueError("replicas on a GPU advance together: give the number of equilibration steps")
        schedule = Schedule(steps, equilibration, sample_every, None, _NEVER, _NEVER)
        jobs = [
            job_of(s, p, engine, kT=t, dt=dt, thermostat=thermostat, barostat=barostat, seed=seed + k, threads=1,
                   precision=precision)
            for k, (s, p, t) in enumerate(rows)
        ]  # fmt: skip
        return _together([RunLoop(job, schedule, engine, tuple(observe), None, None, False, Units()) for job in jobs])
    runs = []
    with ThreadPoolExecutor(max(1, threads)) as pool:
        for run in pool.map(one, range(count)):
            runs.append(run)
            if progress is not None:
                progress(len(runs), count)
    return tuple(runs)


def _together(loops: list[RunLoop]) -> tuple[Run, ...]:
    """Run all loops side by side, a block of the GPU for each."""
    from cg_sim.engines.cuda import start_batch

    session, schedule = start_batch([loop.job for loop in loops]), loops[0].schedule
    done = 0
    while done < schedule.total:
        stop = schedule.next_stop(done)
        session.advance(stop - done)
        done = stop
        frames = session.frames() if schedule.looks(done) else ()
        for loop in loops:
            loop.done = done
        for loop, frame in zip(loops, frames, strict=False):
            loop.record(frame)
    states = session.states()
    session.close()
    return tuple(loop.result(state) for loop, state in zip(loops, states, strict=True))


def _listed(given: Any) -> list[Any]:
    many = isinstance(given, Sequence) or (isinstance(given, np.ndarray) and given.ndim > 0)
    return list(given) if many else [given]


def _length(columns: list[list[Any]], replicas: int | None) -> int:
    lengths = {len(column) for column in columns if len(column) != 1}
    if replicas is not None:
        lengths.add(replicas)
    if len(lengths) > 1 or 0 in lengths:
        raise ValueError(f"states, potentials, kT and replicas must be one or equally many, got {sorted(lengths)}")
    return lengths.pop() if lengths else 1
