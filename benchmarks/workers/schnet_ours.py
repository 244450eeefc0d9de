"""Our SchNet: energy and forces of a frame by splines of its filters, steps of training, or of dynamics."""

import time

import numpy as np
import torch
from serving import OPTIONS, peak_bytes, serve

import cg_data as cd
import cg_models
from cg_models.schnet.bead_potential import BeadPotential, Prior
from cg_models.schnet.dynamics import BeadDynamics
from cg_models.schnet.force_matching import ForceMatcher, Matching, samples
from cg_models.schnet.graph import graph
from cg_models.schnet.moving import MovingGraph
from cg_models.schnet.network import SchNet, SchNetOptions

KT, MASS, DT, FRICTION, SIGMA = 2.494, 78.1, 0.05, 0.1, 5.0  # kJ/mol, u, Å: times are in 0.1 ps

torch.set_num_threads(OPTIONS["threads"])
frames = np.load(OPTIONS["frames"])
box, cutoff = np.full(3, float(frames["side"])), OPTIONS["cutoff"]
x = frames["positions"][: OPTIONS.get("batch", 1)]
sizes = {name: OPTIONS[name] for name in ("cutoff", "features", "blocks", "radial")}
network = SchNet(SchNetOptions(envelope="cosine", filters=OPTIONS["features"], **sizes), seed=1)
prior = Prior({(0, 0): cd.LennardJones(KT, SIGMA, cutoff=cutoff)}) if OPTIONS.get("prior") else None


class Timed(BeadPotential):
    """Keeps the CPU seconds that were spent on the network."""

    spent = 0.0

    def learned(self, *given, **options):
        before = time.process_time()
        found = super().learned(*given, **options)
        self.spent += time.process_time() - before
        return found


def repeated(call):
    def advance(count):
        for _ in range(count):
            call()

    return advance


def force():
    pairs, knots = graph(x[0], box, cutoff), network.tabulated()
    return repeated(lambda: potential(pairs, knots=knots))


def training():
    """Return epochs of one batch: a step, the averages of weights, and validation with a frame."""
    pairs = [graph(one, box, cutoff) for one in x]
    learn = samples(potential, pairs, np.zeros_like(x), np.zeros(len(x)))
    return repeated(ForceMatcher(potential, learn, learn[:1], Matching(batch=len(x))).epoch)


def dynamics():
    pairs = MovingGraph(np.zeros(x.shape[1], dtype=int), box, cutoff)
    return BeadDynamics(potential, pairs, x[0], MASS, kT=KT, dt=DT, friction=FRICTION).run


def facts():
    found = {"version": cg_models.__version__, "bytes": peak_bytes()}
    if OPTIONS["work"] == "dynamics":
        before, within = time.process_time(), potential.spent
        advance(300)
        found["outside"] = 1 - (potential.spent - within) / (time.process_time() - before)
    return found


potential = Timed(network, prior)
advance = {"force": force, "training": training, "dynamics": dynamics}[OPTIONS["work"]]()
advance(2)
serve(advance, per_step=1, facts=facts)
