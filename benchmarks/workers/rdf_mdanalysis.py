"""MDAnalysis's InterRDF of frames in memory."""

import MDAnalysis
import numpy as np
from MDAnalysis.analysis.rdf import InterRDF
from serving import OPTIONS, serve

stored = np.load(OPTIONS["frames"])
frames, side = stored["positions"], float(stored["side"])
universe = MDAnalysis.Universe.empty(frames.shape[1], trajectory=True)
dimensions = np.tile([side, side, side, 90, 90, 90], (len(frames), 1))
universe.load_new((frames % side).astype(np.float32), dimensions=dimensions)
atoms = universe.atoms


def advance(steps):
    """One frame a step, in turn: a whole trajectory may take long."""
    for k in range(steps):
        frame = k % len(frames)
        rdf = InterRDF(
            atoms, atoms, nbins=OPTIONS["bins"], range=(0.0, OPTIONS["r_max"]), exclusion_block=(1, 1), norm="none"
        )
        rdf.run(start=frame, stop=frame + 1)


serve(advance, per_step=1, facts=lambda: {"version": MDAnalysis.__version__})
