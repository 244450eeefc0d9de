"""What the tests of ANI share: a potential of random numbers in the files of NeuroChem, and crystals."""

from __future__ import annotations

import bz2
from itertools import pairwise

import numpy as np

SELF_ENERGY = -0.5  # hartree
PARAMS = """TM = 1
Rcr = 6.0000e+00
Rca = 4.0000e+00
EtaR = [1.6000000e+01]
ShfR = [1.5000000e+00,2.2500000e+00,3.0000000e+00,3.7500000e+00,4.5000000e+00,5.2500000e+00]
Zeta = [1.4100000e+01]
ShfZ = [3.9269908e-01,1.1780972e+00,1.9634954e+00,2.7488936e+00]
EtaA = [4.0000000e+00]
ShfA = [1.5000000e+00,2.3750000e+00,3.2500000e+00]
Atyp = [Al]
"""
SIZES = (18, 12, 10, 8, 1)  # 6 + 3 × 4 numbers of an environment
ZEROS = ("dropout", "dropset", "maskupdate", "maxnorm", "norm", "normupdate", "l2norm", "l2valu", "btchnorm")
LAYER = "\n".join(
    [
        *("layer [", "nodes={nodes};", "activation={activation};", "type=0;", "blocksize={inputs};"),
        *(f"{name}=0;" for name in ZEROS),
        *("weights=FILE:ANN-Al.nnf-l{k}.wparam[{count}];", "biases=FILE:ANN-Al.nnf-l{k}.bparam[{nodes}];", "]\n"),
    ]
)


def write_potential(folder, *, members=3, params=PARAMS, sizes=SIZES, compressed=True, activation=9, seed=0):
    """Write train0 … with float32 weights of zero mean below folder/model; return what was written, layers by member."""
    noise, home = np.random.default_rng(seed), folder / "model"
    networks = []
    for member in range(members):
        place = home / f"train{member}" / "networks"
        place.mkdir(parents=True)
        described, layers = f"\ninputsize={sizes[0]};\natom_net Al $\n", []
        for k, (inputs, nodes) in enumerate(pairwise(sizes), 1):
            last = k == len(sizes) - 1
            weights = (noise.normal(size=(nodes, inputs)) / np.sqrt(inputs)).astype("<f4")
            biases = (0.3 * noise.normal(size=nodes)).astype("<f4")
            weights.tofile(place / f"ANN-Al.nnf-l{k}.wparam")
            biases.tofile(place / f"ANN-Al.nnf-l{k}.bparam")
            described += LAYER.format(nodes=nodes, activation=6 if last else activation, inputs=inputs, k=k, count=weights.size)  # fmt: skip
            layers.append((weights, biases))
        networks.append(layers)
        text = (described + "\n $ \n").encode()
        content = b"%d=\n" % len(text) + bz2.compress(text) if compressed else text
        (place / "ANN-Al.nnf").write_bytes(content)
    (home / "rAl.params").write_text(params)
    (home / "sae_linfit.dat").write_text(f"Al,0={SELF_ENERGY}\n")
    return networks


def crystal(n=1, *, lattice=4.05, rattle=0.0, seed=1):
    """Return n × n × n cubic cells of fcc aluminium, its atoms displaced."""
    from ase.build import bulk

    atoms = bulk("Al", "fcc", lattice, cubic=True).repeat((n, n, n))
    atoms.rattle(rattle, seed=seed)
    return atoms
