"""Plain PyTorch, eager: velocity Verlet with a Nosé–Hoover chain, its cubic table and soft g(r), through autograd.

Forces come from the table's own derivative, so that the backward pass is of first order. Neighbors are searched every ten steps
within the cutoff and a skin.
"""

import numpy as np
import torch
from serving import OPTIONS, serve

DT, KT, TAU, CHAIN, CUTOFF, SKIN, EVERY, SEARCH = 0.005, 1.0, 0.5, 3, 2.5, 0.3, 5, 10
R_MAX, BINS = 3.2, 100
WIDTH = R_MAX / BINS
REACH = R_MAX + 5 * WIDTH

torch.set_num_threads(OPTIONS["threads"])
torch.set_default_dtype(getattr(torch, OPTIONS.get("dtype", "float64")))
start = np.load(OPTIONS["start"])
positions, velocities, r_knots, u_knots, f_knots = (
    torch.tensor(start[k], dtype=torch.get_default_dtype()) for k in ("positions", "velocities", "r", "u", "f")
)
n, side = len(positions), float(start["side"])
u_knots.requires_grad_()
f_knots.requires_grad_()
low, spacing = float(r_knots[0]), float(r_knots[1] - r_knots[0])
upper = torch.triu_indices(n, n, offset=1)
centers = (torch.arange(BINS) + 0.5) * WIDTH
volumes = 4 * torch.pi * WIDTH * np.sqrt(2 * np.pi) * (centers**2 + WIDTH**2)
masses = torch.full((CHAIN,), KT * TAU**2)
masses[0] *= 3 * n - 3


def slopes():
    """Return U′'s three coefficients in each interval, from the knots."""
    rise, a, b = torch.diff(u_knots), -spacing * f_knots[:-1], -spacing * f_knots[1:]
    return torch.stack([a, 2 * (3 * rise - 2 * a - b), 3 * (a + b - 2 * rise)], dim=1) / spacing


def apart(x, pairs):
    d = x[pairs[0]] - x[pairs[1]]
    return d - side * torch.round(d.detach() / side)


@torch.no_grad()
def nearer(x, reach):
    return upper[:, (apart(x, upper) ** 2).sum(1) < reach**2]


def force(x, pairs, rows):
    d = apart(x, pairs)
    r = (d * d).sum(1).sqrt()
    inside = (r < CUTOFF).nonzero()[:, 0]
    d, r, i, j = d[inside], r[inside], pairs[0, inside], pairs[1, inside]
    at = (r - low) / spacing
    k = at.detach().long().clamp(max=len(rows) - 1)  # single precision may round up to the cutoff
    t, c = at - k, rows[k]
    pull = d * (-(c[:, 0] + t * (c[:, 1] + t * c[:, 2])) / r)[:, None]
    return torch.zeros_like(x).index_add(0, i, pull).index_add(0, j, -pull)


def pushed(v, p, k):
    """Return a chain's momentum after a quarter of a step, dragged by the next one's."""
    kinetic, freedom = ((v * v).sum(), 3 * n - 3) if k == 0 else (p[k - 1] ** 2 / masses[k - 1], 1)
    drag = torch.exp(-DT / 8 * p[k + 1] / masses[k + 1]) if k + 1 < CHAIN else 1.0
    return (p[k] * drag + DT / 4 * (kinetic - freedom * KT)) * drag


def chained(v, p):
    """Return velocities and momenta of the chain after half a step."""
    p = list(p)
    for k in reversed(range(CHAIN)):
        p[k] = pushed(v, p, k)
    v = v * torch.exp(-DT / 2 * p[0] / masses[0])
    for k in range(CHAIN):
        p[k] = pushed(v, p, k)
    return v, p


def deposited(x):
    """Return how many pairs each kernel of g(r) sees in a frame: those within five widths of it."""
    d = apart(x, nearer(x, REACH))
    r = (d * d).sum(1).sqrt()
    k = (r.detach() / WIDTH).long()[:, None] + torch.arange(-5, 6)
    e = torch.exp(-0.5 * ((r[:, None] - (k + 0.5) * WIDTH) / WIDTH) ** 2)
    kept = (k >= 0) & (k < BINS)
    return torch.zeros(BINS).index_add(0, k[kept], e[kept])


def loss():
    """Return the loss of a trajectory."""
    x, v, p, rows, counts = positions, velocities, list(torch.zeros(CHAIN)), slopes(), torch.zeros(BINS)
    pairs = nearer(x, CUTOFF + SKIN)
    f = force(x, pairs, rows)
    for step in range(1, OPTIONS["steps"] + 1):
        v, p = chained(v, p)
        v = v + 0.5 * DT * f
        x = x + DT * v
        if step % SEARCH == 0:
            pairs = nearer(x, CUTOFF + SKIN)
        f = force(x, pairs, rows)
        v, p = chained(v + 0.5 * DT * f, p)
        if step % EVERY == 0:
            counts = counts + deposited(x)
    g = counts * EVERY / OPTIONS["steps"] * side**3 / (n * (n - 1) / 2 * volumes)
    return ((g - 1) ** 2).sum()


def epochs(count):
    for _ in range(count):
        u_knots.grad = f_knots.grad = None
        found = loss()
        found.backward()
    return found.item()


found = epochs(1)
slope = float(((u_knots.grad**2).sum() + (f_knots.grad**2).sum()) ** 0.5)
serve(epochs, per_step=1, facts=lambda: {"version": torch.__version__, "loss": found, "slope": slope})
