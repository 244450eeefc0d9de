"""A barrier between threads that run one compiled loop together: spins briefly, then gives its core away."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

import ctypes
import sys

import llvmlite.binding as llvm
from numba import njit, types
from numba.extending import intrinsic

_SPINS = 2000


def _yield_address() -> int:
    library = ctypes.windll.kernel32 if sys.platform == "win32" else ctypes.CDLL(None)  # type: ignore[attr-defined]
    function = library.SwitchToThread if sys.platform == "win32" else library.sched_yield
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)


llvm.add_symbol("cg_sim_yield", _yield_address())
_give_way = types.ExternalFunction("cg_sim_yield", types.int32())


@intrinsic
def _add(typing_context, words, k, value):
    """Add to words[k] atomically and return what it was."""

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.atomic_rmw("add", builder.gep(data, [arguments[1]]), arguments[2], "seq_cst")

    return types.int64(words, types.intp, types.int64), generate


@intrinsic
def _read(typing_context, words, k):
    """Return words[k], read anew from memory."""

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load_atomic(builder.gep(data, [arguments[1]]), "seq_cst", 8)

    return types.int64(words, types.intp), generate


@njit(nogil=True, cache=True)
def wait(sync, threads):
    """Return when all `threads` have called; sync is int64 (32,), zero at first: arrivals at 0, rounds at 16."""
    if threads == 1:
        return
    here = _read(sync, 16)
    if _add(sync, 0, 1) == threads - 1:
        _add(sync, 0, -threads)
        _add(sync, 16, 1)
        return
    spins = 0
    while _read(sync, 16) == here:
        spins += 1
        if spins > _SPINS:
            _give_way()
