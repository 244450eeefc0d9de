"""The torch wrapper against the same dynamics written in plain torch and differentiated by autograd."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cg_data as cd
import cg_sim as cs
from cg_sim.differentiable import SoftRDF
from cg_sim.noise import gaussians

from .test_differentiable import DT, KT, every_thermostat, liquid, tables

torch = pytest.importorskip("torch", reason="pip install 'cg-sim[torch]'")
if True:  # after the skip
    from cg_sim.torch import TensorTable, rollout, soft_rdf
PAIRS = {"A": [(0, 0)], "AB": [(0, 0), (0, 1), (1, 1)]}


class Plain:
    """The dynamics of all pairs, no list, no kernel: autograd goes through every operation."""

    def __init__(self, state, knots, kT, dt, thermostat, seed):
        self.state, self.knots, self.kT, self.dt, self.thermostat, self.seed = state, knots, kT, dt, thermostat, seed
        self.i, self.j = (torch.as_tensor(k) for k in np.triu_indices(state.n, 1))
        self.kinds = torch.as_tensor(np.array(state.types, dtype=np.int64))
        self.box = torch.as_tensor(np.array(state.box))

    def pair_energy(self, x):
        """U and Σ r F(r)."""
        d = x[self.i] - x[self.j]
        d = d - torch.round(d @ torch.linalg.inv(self.box)).detach() @ self.box
        r = torch.sqrt((d * d).sum(dim=1))
        energy = virial = torch.zeros((), dtype=torch.float64)
        for (a, b), table in self.knots.items():
            ki, kj = self.kinds[self.i], self.kinds[self.j]
            chosen = ((ki == a) & (kj == b) | (ki == b) & (kj == a)) & (r < table.cutoff)
            h = (table.cutoff - table.r_min) / (len(table.u) - 1)
            place = (r[chosen] - table.r_min) / h
            k = place.detach().floor().long()
            t = place - k
            u0, u1, f0, f1 = table.u[k], table.u[k + 1], -h * table.f[k], -h * table.f[k + 1]
            c2, c3 = 3 * (u1 - u0) - 2 * f0 - f1, f0 + f1 - 2 * (u1 - u0)
            energy = energy + (u0 + t * (f0 + t * (c2 + t * c3))).sum()
            virial = virial - (r[chosen] * (f0 + t * (2 * c2 + 3 * t * c3)) / h).sum()
        return energy, virial

    def force(self, x):
        if not x.requires_grad:
            x = x.requires_grad_()
        energy, virial = self.pair_energy(x)
        return -torch.autograd.grad(energy, x, create_graph=True)[0], energy, virial

    def chain(self, v, m, p):
        bath = self.thermostat
        freedom = cs.degrees_of_freedom(self.state.n, bath)
        q = [self.kT * bath.tau**2 * (freedom if k == 0 else 1) for k in range(bath.chain)]
        kinetic, scale = 0.5 * (m * v * v).sum(), torch.ones((), dtype=torch.float64)
        last = bath.chain - 1

        def push(k, h):
            drive = 2 * kinetic * scale**2 - freedom * self.kT if k == 0 else p[k - 1] ** 2 / q[k - 1] - self.kT
            drag = torch.exp(-0.25 * h * p[k + 1] / q[k + 1]) if k < last else torch.ones((), dtype=torch.float64)
            p[k] = (p[k] * drag + 0.5 * h * drive) * drag

        w = 1 / (2 - 2 ** (1 / 3))
        for _ in range(bath.substeps):
            for share in (w, 1 - 2 * w, w):
                h = share * self.dt / (2 * bath.substeps)
                for k in range(last, -1, -1):
                    push(k, h)
                scale = scale * torch.exp(-h * p[0] / q[0])
                for k in range(last + 1):
                    push(k, h)
        return v * scale

    def run(self, x, v, masses, steps, every):
        m = masses[:, None]
        p = [torch.zeros((), dtype=torch.float64) for _ in range(getattr(self.thermostat, "chain", 0))]
        f, energy, virial = self.force(x)
        frames = [(x, v, energy, virial)]
        for t in range(steps):
            if isinstance(self.thermostat, cs.NoseHoover):
                v = self.chain(v, m, p)
            v = v + 0.5 * self.dt / m * f
            if isinstance(self.thermostat, cs.Langevin):
                c1 = torch.exp(-self.thermostat.friction * self.dt)
                noise = torch.as_tensor(
                    [gaussians(self.seed, self.state.step + t, i, 0)[:3] for i in range(self.state.n)],
                    dtype=torch.float64,
                )
                x = x + 0.5 * self.dt * v
                v = c1 * v + torch.sqrt(self.kT * (1 - c1 * c1) / m) * noise
                x = x + 0.5 * self.dt * v
            else:
                x = x + self.dt * v
            f, energy, virial = self.force(x)
            v = v + 0.5 * self.dt / m * f
            if isinstance(self.thermostat, cs.NoseHoover):
                v = self.chain(v, m, p)
            if (t + 1) % every == 0:
                frames.append((x, v, energy, virial))
        return [torch.stack(part) for part in zip(*frames, strict=True)]


def leaf(value):
    return torch.tensor(np.array(value), dtype=torch.float64, requires_grad=True)


@every_thermostat
@pytest.mark.parametrize("types", ["A", "AB"])
def test_autograd_through_plain_torch_finds_the_same_gradients(thermostat, types):
    """To 1e-10 of the largest of each kind."""
    state = liquid(types)
    names = {"A-A": (0, 0), "A-B": (0, 1), "B-B": (1, 1)}
    known = {"-".join(pair): table for pair, table in tables(types).items()}

    def one(run):
        x, v, m = leaf(state.positions), leaf(state.velocities), leaf(state.masses)
        kT, dt = leaf(KT), leaf(DT)
        knots = {p: TensorTable(t.r_min, t.cutoff, leaf(t.u_knots), leaf(t.f_knots)) for p, t in known.items()}
        frames = run(x, v, m, kT, dt, knots)
        rng = np.random.default_rng(1)
        loss = sum((torch.as_tensor(rng.standard_normal(f.shape)) * torch.sin(f)).sum() for f in frames)
        loss.backward()
        leaves = [x, v, m, kT, dt, *(g for k in knots.values() for g in (k.u, k.f))]
        return [loss.detach(), *(torch.zeros_like(g) if g.grad is None else g.grad for g in leaves)]

    def ours(x, v, m, kT, dt, knots):
        f = rollout(state, knots, kT=kT, steps=12, dt=dt, thermostat=thermostat, every=3, seed=7, positions=x,
                    velocities=v, masses=m)  # fmt: skip
        return f.positions, f.velocities, f.energy, f.virial

    def plain(x, v, m, kT, dt, knots):
        return Plain(state, {names[p]: k for p, k in knots.items()}, kT, dt, thermostat, 7).run(x, v, m, 12, 3)

    names_of = ["loss", "positions", "velocities", "masses", "kT", "dt", *(f"{p} {k}" for p in known for k in "uf")]
    off = {
        name: float((a - b).abs().max() / b.abs().max().clamp(min=1e-12))
        for name, a, b in zip(names_of, one(ours), one(plain), strict=True)
    }
    assert max(off.values()) < 1e-10, off


def test_a_table_learns_from_a_soft_rdf():
    """A few steps of gradient descent on one rollout's g lower the loss by as much as the gradient promises."""
    state, table = liquid("A"), tables("A")["A", "A"]
    soft = SoftRDF(2.0, 30, 0.1)
    wanted = torch.as_tensor(soft(cs.differentiable.rollout(
        state, cd.LennardJones(1.1, 1.0, 2.5).force_shifted(), kT=KT, steps=30, dt=DT, every=5))[0])  # fmt: skip
    f = leaf(table.f_knots)

    def loss(f):
        frames = rollout(state, TensorTable(table.r_min, table.cutoff, torch.as_tensor(table.u_knots.copy()), f),
                         kT=KT, steps=30, dt=DT, every=5)  # fmt: skip
        return ((soft_rdf(soft, frames) - wanted) ** 2).sum()

    first = loss(f)
    first.backward()
    h = 1e-4 * float(first.detach()) / float((f.grad**2).sum())
    second = loss(f.detach() - h * f.grad)
    assert float((first - second).detach()) == pytest.approx(1e-4 * float(first.detach()), rel=1e-2)


def test_float32_parameters_get_float32_gradients():
    state, table = liquid("A"), tables("A")["A", "A"]
    u, f = (torch.tensor(np.array(a), dtype=torch.float32, requires_grad=True) for a in (table.u_knots, table.f_knots))
    rollout(state, TensorTable(table.r_min, table.cutoff, u, f), kT=KT, steps=5, dt=DT).energy.sum().backward()
    assert u.grad.dtype == f.grad.dtype == torch.float32
    assert float(f.grad.abs().max()) > 0


def test_positions_alone_need_a_state():
    with pytest.raises(ValueError, match="give state="):
        soft_rdf(SoftRDF(2.0), torch.zeros((1, 108, 3)))
    far = replace(liquid("A"), positions=np.array(liquid("A").positions))
    g = soft_rdf(SoftRDF(2.0), torch.as_tensor(np.array(far.positions))[None], far)
    assert g.shape == (1, 100)
