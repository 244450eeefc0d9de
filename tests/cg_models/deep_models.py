"""Small deep potentials and frames to test them with, and what their formulas say, by torch and one neighbor after the other."""

from __future__ import annotations

import itertools

import numpy as np
import torch

import cg_models as cm
from cg_models.deep_potential.structures import structure
from cg_models.many_body.neighborhoods import Neighborhoods

OPTIONS = {
    "one side": cm.SmoothOptions(4.0, 1.0, (20, 30), embedding=(3, 6, 12), axes=4, fitting=(12, 12, 8)),
    "two sides": cm.SmoothOptions(
        4.0, 1.0, (20, 30), embedding=(4, 8), axes=3, fitting=(10,), embedding_steps=True, one_side=False
    ),
    "second moments": cm.SmoothOptions(
        4.0, 1.0, (20, 30), embedding=(3, 6, 12), axes=4, fitting=(12, 8), one_side=False, moments=2
    ),
    "local frame": cm.LocalFrameOptions(4.0, (7, 12), full=(3, 5), fitting=(12, 8)),
}


def frame(edge=9.0, beads=24, seed=0):
    """Return positions (bead, 3), the cell's vectors, and types 0 and 1: a crystal that shakes, in a skew cell."""
    noise = np.random.default_rng(seed)
    cell = edge * np.array([[1, 0, 0], [0.1, 1.02, 0], [-0.05, 0.1, 0.97]])
    n = int(np.ceil(beads ** (1 / 3)))
    places = np.array(list(np.ndindex(n, n, n)))[noise.permutation(n**3)[:beads]] / n
    return places @ cell + 0.25 * noise.standard_normal((beads, 3)), cell, (np.arange(beads) % 3 > 0).astype(int)


def potential_of(options, seed=1):
    """Return a potential with random weights, of the spread that the frame has, and of energies that are not small."""
    potential = cm.DeepPotential(options, seed=seed)
    x, cell, types = frame()
    potential.environments.normalize(structure(x, cell, types, Neighborhoods(options.cutoff, skin=0.0)))
    potential.offset.copy_(torch.tensor([-3.0, 1.5])[: options.types])
    with torch.no_grad():
        for network in potential.networks:
            network.last *= 3
    return potential


def reference(potential, positions, cell, types):
    """Return U, and forces and the virial by its derivatives, summed over images as the papers write it."""
    x = torch.tensor(positions, requires_grad=True)
    strain = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    vectors = torch.tensor(cell)
    images = torch.tensor(list(itertools.product((-2, -1, 0, 1, 2), repeat=3)), dtype=torch.float64) @ vectors
    total = torch.zeros((), dtype=torch.float64)
    for i in range(len(x)):
        apart = (x[None, :] + images[:, None] - x[i]).reshape(-1, 3) @ (torch.eye(3, dtype=torch.float64) + strain).T
        kinds = torch.tensor(types).repeat(len(images))
        d2 = (apart**2).sum(dim=1)
        near = (d2 > 1e-12) & (d2 < potential.options.cutoff**2)
        total = (
            total
            + _energy(potential, int(types[i]), apart[near], d2[near].sqrt(), kinds[near])
            + potential.offset[types[i]]
        )
    slopes = torch.autograd.grad(total, (x, strain))
    return float(total.detach()), -slopes[0].numpy(), -slopes[1].numpy()


def _energy(potential, c, apart, r, kinds):
    smooth = isinstance(potential.options, cm.SmoothOptions)
    features = (_smooth if smooth else _local)(potential, c, apart, r, kinds)
    return _layers(potential.networks[c], features[None])[0, 0]


def _local(potential, c, apart, r, kinds):
    options, of, found = potential.options, potential.environments, []
    order = torch.argsort(r)
    a, b = apart[order[0]], apart[order[1]]
    z = torch.linalg.cross(a, b)
    x, z = a / a.norm(), z / z.norm()
    y = torch.linalg.cross(z, x)
    for kind in range(options.types):
        sorted_ones = [int(k) for k in order if kinds[k] == kind][: options.count[kind]]
        for place in range(options.count[kind]):
            width = 4 if place < options.full[kind] else 1
            if place < len(sorted_ones):
                k = sorted_ones[place]
                row = [1 / r[k], *(apart[k] @ axis / r[k] ** 2 for axis in (x, y, z))]
                found += row[:width]
            else:
                found += [torch.zeros((), dtype=torch.float64)] * width
    return (torch.stack(found) - of.mean[c]) / of.spread[c]


def _smooth(potential, c, apart, r, kinds):
    options, of = potential.options, potential.environments
    u = ((r - options.smooth_from) / (options.cutoff - options.smooth_from)).clamp(0, 1)
    w = u**3 * (-6 * u**2 + 15 * u - 10) + 1
    s = (w / r - of.mean[c]) / of.radial[c]
    rows = torch.cat([s[:, None], (w / r**2)[:, None] * apart / of.angular[c]], dim=1)
    t = torch.zeros(4, options.embedding[-1], dtype=torch.float64)
    squares = torch.zeros(9, options.embedding[-1], dtype=torch.float64)
    for kind in range(options.types):
        network = of.networks[kind if options.one_side else c * options.types + kind]
        near, none = rows[kinds == kind], torch.zeros(1, 4, dtype=torch.float64)
        none[0, 0] = -of.mean[c] / of.radial[c]
        if options.moments > 1:
            outer = (apart[:, :, None] * apart[:, None, :]).flatten(1) * (w / r**3 / of.quadratic[c])[:, None]
            squares = squares + outer[kinds == kind].T @ _layers(network, near[:, :1])
        missing = options.count[kind] - len(near)
        t = t + near.T @ _layers(network, near[:, :1]) + missing * none.T @ _layers(network, none[:, :1])
    parts = [x / sum(options.count) for x in (t, squares)[: options.moments]]
    return torch.cat([(x.T @ x[:, : options.axes]).flatten() for x in parts])


def _layers(network, x):
    for k, (matrix, bias) in enumerate(zip(network.matrix, network.bias, strict=True)):
        y = torch.tanh(x @ matrix + bias)
        y = y * network.step[str(k)] if str(k) in network.step else y
        if y.shape[1] == x.shape[1]:
            y = y + x
        elif y.shape[1] == 2 * x.shape[1]:
            y = y + torch.cat([x, x], dim=1)
        x = y
    return x @ network.last + network.offset if hasattr(network, "last") else x
