"""More jobs for the soak: networks, inversions, and files of ours that somebody has damaged."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

import cg_data as cd
import cg_inverse as ci
import cg_models as cm
import cg_sim as cs
from cg_data.units import METAL

from .jobs import ODD, folder_of_a_job, given_by, potential


@st.composite
def networks(draw: Any) -> Callable[[], None]:
    """A network asked about some liquid, or a deep potential of some sizes about some atoms."""
    given = given_by(draw)
    build, density, kT, n = potential(given), given.number(0.01, 0.8), given.number(0.5, 3.0), draw(st.integers(1, 20))
    sizes = {"cutoff": given.number(2.0, 4.0), "smooth_from": given.number(0.0, 2.0), "count": (given.count(30),), "axes": given.count(8),
             "embedding": (4, given.count(16)), "fitting": (given.count(12), 8), "moments": given.one_of(1, 2, odd=3)}  # fmt: skip
    ask, seed = given.one_of("pressure", "invert", "deep", "frames"), draw(st.integers(0, 99))
    size = draw(st.integers(0, 300))

    def job() -> None:
        match ask:
            case "pressure":
                assert np.isfinite(cm.pressure(build(), density, kT).value)
            case "invert":
                r = np.linspace(0.05, 6, size)
                g = np.exp(-((1.0 / np.maximum(r, 0.3)) ** 12)) * (1 + 0.4 * np.cos(6 * r) * np.exp(-r))
                found = cm.invert(r, g, density, kT)
                assert np.isfinite(found.potential.energy(np.linspace(1.0, 3.0, 20))).all()
            case _:
                options = cm.SmoothOptions(**sizes) if ask == "deep" else cm.LocalFrameOptions(sizes["cutoff"], sizes["count"], full=(1,))  # fmt: skip
                x = np.random.default_rng(seed).uniform(0, 6, (n, 3))
                found = cm.DeepPotential(options, seed=seed)(x, np.full(3, 6.0), np.zeros(n, dtype=int))
                assert np.isfinite(found.energies).all()
                np.testing.assert_allclose(found.forces.sum(axis=0), 0, atol=1e-6 * (1 + np.abs(found.forces).max()))

    return job


METHODS = [ci.bi, ci.ibi, ci.hncn, ci.hncgn, ci.imc, ci.re]


@st.composite
def inversions(draw: Any) -> Callable[[], None]:
    """Two short rounds of a method, towards what theory says of a liquid."""
    given = given_by(draw)
    build, density, kT = potential(given), given.number(0.02, 0.5), given.number(0.7, 2.0)
    method, cutoff = draw(st.sampled_from(METHODS)), given.number(1.6, 2.6)
    numbers = {"particles": given.count(150), "dt": given.number(1e-3, 0.01), "runs": 1}
    times = {
        "rounds": given.one_of(1, 2, odd=0),
        "melting": given.count(200),
        "seed": given.count(),
        "cap": given.number(),
    }
    odd = draw(st.sampled_from(ODD)) if given.hostile and given.yes() else None

    def job() -> None:
        known = cd.liquid_theory(build(), density, kT=kT)
        near = known.r < 5
        target = cd.make_target(known.r[near], np.maximum(known.g[near], 0), density=density, kT=kT)
        words = {} if odd is None else {"knots": odd}
        control = ci.Control(steps=1000, first_steps=200, equilibration=50, **times)
        fit = method(target, cutoff, simulation=ci.Simulation(**numbers), control=control, **words)
        r = np.linspace(1.0, cutoff, 50)
        assert np.isfinite(fit.potential["A", "A"].energy(r)).all()
        assert 1 <= fit.history.sizes["iteration"] <= times["rounds"]

    return job


@cache
def files() -> dict[str, bytes]:
    """Files of ours as they should be."""
    with folder_of_a_job() as folder:
        cs.simulate(cs.fcc(108, 0.8), cd.WCA(), kT=1.0, dt=0.004, steps=40, observe=[cs.RDF(2.0, 20)], seed=1).save(folder / "run.nc")  # fmt: skip
        deep = cm.DeepPotential(cm.SmoothOptions(3.0, 1.0, (9,), (4, 8), 4, (8,), moments=2))
        cm.save_deep(deep, folder / "deep.safetensors", ["O"], METAL)
        cm.save(cm.NeuralPair(2.5, seed=1), folder / "pair")
        return {file.name: file.read_bytes() for file in folder.iterdir()}


def read(file: Path) -> Any:
    """Return what a file says, as plain arrays."""
    if file.name == "run.nc":
        return {str(k): v.values for k, v in cd.load(file).data_vars.items()}
    if file.name == "deep.safetensors":
        return {k: v.numpy() for k, v in cm.load_deep(file).potential.state_dict().items()}
    return {k: v.detach().numpy() for k, v in cm.load(file.with_suffix("")).state_dict().items()}


class Evil:
    """Unpickled, it leaves a mark."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("unpickled"),))


@st.composite
def damages(draw: Any) -> Callable[[], None]:
    """A file cut short, with other bytes in it, with a header that promises much, or with a pickle for content."""
    name, way = (
        draw(st.sampled_from(sorted(files()))),
        draw(st.sampled_from(["cut", "flip", "header", "pickle", "noise"])),
    )
    place, byte = draw(st.floats(0, 1, exclude_max=True)), draw(st.integers(1, 255))

    def job() -> None:
        whole = files()[name]
        at = int(place * len(whole))
        flipped = whole[:at] + bytes([whole[at] ^ byte]) + whole[at + 1 :]
        ways = {"cut": whole[:at], "flip": flipped, "header": struct.pack("<Q", 2**40 + at) + whole[8:],
                "pickle": pickle.dumps(Evil()), "noise": bytes(np.random.default_rng(at).integers(0, 256, 500, dtype=np.uint8))}  # fmt: skip
        with folder_of_a_job() as folder:
            for other, content in files().items():
                (folder / other).write_bytes(ways[way] if other == name else content)
            found = read(folder / name)
            assert not (folder / "unpickled").exists()
            assert not Path("unpickled").exists()
            if way in ("cut", "pickle", "noise"):
                assert name.endswith(".toml"), f"{name} was read: {way} at {at}"  # text, cut where a line ends
            for values in found.values():
                assert values.size < 10**7

    return job


MORE = {"networks": networks, "inversions": inversions, "damages": damages}
