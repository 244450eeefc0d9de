"""Counter-based noise: what particle p gets at step t depends on (seed, t, p) alone, not on threads or order.

Philox4x32-10 (Salmon et al. 2011) gives 128 bits per particle and step; Box–Muller turns them into Gaussians.
Logarithm and sine are polynomials, so that loops over particles become vector code and every engine that runs
these functions (CPU, CUDA) draws the same numbers to rounding.
"""

# mypy: disable-error-code="untyped-decorator,no-untyped-def,no-untyped-call"
from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

_LOW = np.uint64(0xFFFFFFFF)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_S32 = np.uint64(32)
_LN2 = math.log(2.0)

THERMOSTAT, RESCALING, BAROSTAT = 0, 1, 2  # streams: what a number is for


@intrinsic
def _bits(typing_context, value):
    """Return the 64 bits of a double as an unsigned integer."""
    if value != types.float64:
        return None

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.uint64(value), generate


@intrinsic
def _double(typing_context, bits):
    """Return the double that 64 bits stand for."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.uint64), generate


@njit(nogil=True, cache=True, inline="always")
def philox(c0, c1, c2, c3, k0, k1):
    """Return four 32-bit words (in 64-bit integers) of Philox4x32-10 for a counter and a key."""
    for _ in range(10):
        a = _M0 * c0
        b = _M1 * c2
        c0, c1, c2, c3 = (b >> _S32) ^ c1 ^ k0, b & _LOW, (a >> _S32) ^ c3 ^ k1, a & _LOW
        k0 = (k0 + _W0) & _LOW
        k1 = (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@njit(nogil=True, cache=True, inline="always")
def log_uniform(word):
    """Return ln((word + ½)/2³²) ≤ 0."""
    bits = _bits(np.float64(word) + 0.5)
    exponent = np.float64(np.int64(bits >> np.uint64(52)) - np.int64(1055))
    m = _double((bits & np.uint64(0x000FFFFFFFFFFFFF)) | np.uint64(0x3FF0000000000000))
    half = m > 1.4142135623730951
    m = 0.5 * m if half else m
    exponent = exponent + 1.0 if half else exponent
    f = (m - 1.0) / (m + 1.0)
    z = f * f
    p = 1 / 17
    for k in (15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0):
        p = p * z + 1.0 / k
    return exponent * _LN2 + 2.0 * f * (1.0 + z * p)


@njit(nogil=True, cache=True, inline="always")
def turn(word):
    """Return the cosine and sine of 2π·word/2³²."""
    w = np.int64(word)
    quarter = ((w + np.int64(0x20000000)) >> np.int64(30)) & np.int64(3)
    x = np.float64(w - (((w + np.int64(0x20000000)) >> np.int64(30)) << np.int64(30))) * (2.0 * math.pi / 4294967296.0)
    z = x * x
    sine = x * (1.0 + z * (-1 / 6 + z * (1 / 120 + z * (-1 / 5040 + z * (1 / 362880 + z * (-1 / 39916800 + z / 6227020800))))))  # fmt: skip
    cosine = 1.0 + z * (-1 / 2 + z * (1 / 24 + z * (-1 / 720 + z * (1 / 40320 + z * (-1 / 3628800 + z * (1 / 479001600 - z / 87178291200))))))  # fmt: skip
    odd = (quarter & np.int64(1)) == np.int64(1)
    c = sine if odd else cosine
    s = cosine if odd else sine
    c = -c if (quarter == np.int64(1)) | (quarter == np.int64(2)) else c
    s = -s if quarter >= np.int64(2) else s
    return c, s


@njit(nogil=True, cache=True, inline="always")
def gaussians(seed, step, particle, stream):
    """Return four independent standard normal numbers for (seed, step, particle, stream)."""
    t, k = np.uint64(step), np.uint64(seed)
    a, b, c, d = philox(np.uint64(particle), t & _LOW, t >> _S32, np.uint64(stream), k & _LOW, k >> _S32)
    r, q = math.sqrt(-2.0 * log_uniform(a)), math.sqrt(-2.0 * log_uniform(c))
    cos1, sin1 = turn(b)
    cos2, sin2 = turn(d)
    return r * cos1, r * sin1, q * cos2, q * sin2
