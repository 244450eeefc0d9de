"""Our `measure` of g(r), or its counting alone, over frames in memory."""

import numpy as np
from serving import OPTIONS, serve

import cg_data as cd
import cg_sim as cs
from cg_sim.observables.pair_histogram import pair_histogram

stored = np.load(OPTIONS["frames"])
frames, side = stored["positions"], float(stored["side"])
n, box = frames.shape[1], np.eye(3) * side
trajectory = cd.trajectory(frames, [side] * 3, ["A"] * n, units=cd.Units())
types = np.zeros(n, dtype=np.int32)


def count(steps):
    return sum(
        pair_histogram(x, box, types, 1, OPTIONS["r_max"], OPTIONS["bins"]) for _ in range(steps) for x in frames
    )


def whole(steps):
    for _ in range(steps):
        cs.measure(trajectory, [cs.RDF(OPTIONS["r_max"], bins=OPTIONS["bins"])])


def facts():
    return {"version": cs.__version__, "pairs": int(count(1).sum())}


serve({"measure": whole, "pair_histogram": count}[OPTIONS["verb"]], per_step=len(frames), facts=facts)
