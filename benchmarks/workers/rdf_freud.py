"""freud's RDF of frames in memory."""

import freud
import numpy as np
from serving import OPTIONS, serve

freud.parallel.set_num_threads(OPTIONS["threads"])
stored = np.load(OPTIONS["frames"])
box = freud.box.Box.cube(float(stored["side"]))
frames = [box.wrap(x.astype(np.float32)) for x in stored["positions"]]
rdf = freud.density.RDF(bins=OPTIONS["bins"], r_max=OPTIONS["r_max"])


def advance(steps):
    for _ in range(steps):
        for k, x in enumerate(frames):
            rdf.compute((box, x), reset=k == 0)


def facts():
    advance(1)
    return {"version": freud.__version__, "pairs": int(rdf.bin_counts.sum()) // 2}


serve(advance, per_step=len(frames), facts=facts)
