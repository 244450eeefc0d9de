"""A folder knows the base of its correction again: by energy and forces of a configuration, and by name."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci
import cg_sim as cs
from cg_inverse.corrections.bases import evaluated, summed
from cg_inverse.corrections.fingerprints import described, fingerprint, require_same
from cg_inverse.fits.run_folder import PROGRESS, ledger_of
from cg_inverse.fits.stored_records import store

from .metals import BASE, CONTROL, CUTOFF, fitted

BRIEF = replace(CONTROL, steps=1000, first_steps=1000, melting=100, equilibration=50)
ALMOST = cd.LennardJones(epsilon=0.1, sigma=2.502, cutoff=CUTOFF).force_shifted()  # a thousandth wider


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("fits") / "run"
    fitted("hnc", rounds=1, control=BRIEF, folder=path)
    return path


def test_the_same_base_goes_on_and_another_does_not(folder):
    assert len(ci.resume(folder, base=BASE, rounds=1).history.iteration) == 1
    with pytest.raises(
        ValueError, match=r"not the one that this fit corrects: begun with \w+ #\w{6}, now .* a particle"
    ):
        ci.resume(folder, base=ALMOST, rounds=2)
    assert len(ledger_of(folder).rounds) == 1


def test_the_folder_says_what_its_base_is(folder):
    name = described(BASE)
    assert name in (folder / "config.toml").read_text().splitlines()[0]
    assert cd.load(folder / "history.nc", "history").attrs["base"] == name
    assert name != described(ALMOST)


def test_folders_without_a_fingerprint_still_go_on(folder, tmp_path):
    ledger = ledger_of(folder)
    older = {f.name: getattr(ledger, f.name) for f in fields(ledger) if f.name != "base"}
    store(older, tmp_path / PROGRESS)
    assert ci.resume(tmp_path, base=ALMOST, rounds=2).history.sizes["iteration"] == 2


def test_calculators_are_told_apart_but_not_by_single_precision():
    pytest.importorskip("ase", reason="pip install cg-sim[ase]")
    from ase.calculators.emt import EMT

    class Single(EMT):
        def calculate(self, *given, **named):
            super().calculate(*given, **named)
            for name in ("energy", "forces"):
                self.results[name] = np.float32(self.results[name]).astype(float)

    crystal = cs.fcc(108, 0.05, composition={"Al": 1.0}, seed=1)
    kept = fingerprint(EMT, crystal)
    assert np.sqrt(np.mean(kept.forces**2)) > 0.1  # eV/Å: a crystal's own would be zero
    np.testing.assert_array_equal(evaluated(EMT, kept.state)[1][: len(kept.forces)], kept.forces)
    for same in (EMT, EMT(), Single(), lambda: Single()):
        require_same(same, kept, 0.09)
    with pytest.raises(ValueError, match=r"begun with EMT\(asap_cutoff=False\), now EMT\(asap_cutoff=True\)"):
        require_same(EMT(asap_cutoff=True), kept, 0.09)


def test_a_shift_of_energy_alone_or_of_forces_alone_is_seen():
    crystal = cs.fcc(108, 0.05, composition={"Al": 1.0}, seed=1)
    kept = fingerprint(BASE, crystal)
    for other in (replace(kept, energy=kept.energy + 0.02 * 108 * 0.12), replace(kept, forces=1.001 * kept.forces)):
        with pytest.raises(ValueError, match="not the one"):
            require_same(BASE, other, 0.12)
    require_same(BASE, kept, 0.12)


def test_networks_are_named_by_their_weights():
    torch = pytest.importorskip("torch", reason="networks need torch")
    pytest.importorskip("ase", reason="pip install cg-sim[ase]")
    from ase.calculators.calculator import Calculator

    def made(value):
        found = Calculator()
        found.model = torch.nn.Linear(2, 1)
        torch.nn.init.constant_(found.model.weight, value)
        torch.nn.init.zeros_(found.model.bias)
        return described(found)

    assert made(1.0) == made(1.0) != made(1.5)


def test_one_potential_alone_is_a_base_for_all_types():
    """Of a mixture too: A-B and B-B were left without it."""
    u = cd.GaussianCore(0.5, 1.0, cutoff=2.0)
    found = summed(BASE, cd.Interactions({("A", "A"): u, ("A", "B"): u}))
    for pair in (("A", "A"), ("A", "B")):
        np.testing.assert_allclose(found[pair].energy(2.4), BASE.energy(2.4) + u.energy(2.4))
    with_more = summed({("B", "B"): BASE}, cd.Interactions({("A", "A"): u}))
    assert set(with_more) == {("A", "A"), ("B", "B")}


def test_a_base_of_other_pairs_is_refused():
    with pytest.raises(ValueError, match=r"the base has potentials of A-A, .* has g of Al-Al: name the pairs alike"):
        fitted(base={("A", "A"): BASE})
