"""Thousands of small random jobs in one process: each ends in a right answer or in one of our errors, in its time, and memory stays.

`make soak` does 10 000, `SOAK_JOBS` says how many; otherwise a few.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import traceback
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings

for needed in ("cg_models", "cg_inverse"):
    pytest.importorskip(needed, reason=f"pip install {needed}")
if True:  # after the skips
    from .jobs import KINDS
    from .model_jobs import MORE

SLOW = {"inversions": 10, "networks": 2}  # times as long as others: so many times fewer

JOBS = int(os.environ.get("SOAK_JOBS", "100"))
EACH = 500  # jobs at a time
SECONDS = 60  # for a job, on a busy machine
GROWTH = 30.0  # MB that thousands of jobs may leave, done a second time
PACKAGES = str(Path(__file__).resolve().parents[2] / "packages")


def ended(job) -> None:
    """Do a job; AssertionError if what it raises is not an error of ours with words in it."""
    signal.alarm(SECONDS)
    try:
        job()
    except AssertionError:
        raise
    except (ValueError, TypeError, KeyError, RuntimeError, OSError, ImportError) as error:
        last = traceback.extract_tb(error.__traceback__)[-1].filename
        assert PACKAGES in last or "cg_" in last, f"{type(error).__name__} of {last}: {error}"
        assert len(str(error)) > 15, f"{type(error).__name__} says only {error}"
    finally:
        signal.alarm(0)


def memory() -> float:
    """MB that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


@pytest.mark.parametrize("kind", [*KINDS, *MORE])
def test_jobs_end_in_an_answer_or_in_one_of_our_errors(kind):
    jobs = max(10, JOBS // SLOW.get(kind, 1))
    for begin in range(0, jobs, EACH):
        several(kind, min(EACH, jobs - begin), begin=begin)
    if jobs >= 4 * EACH:  # what compiles for a rare kind of job keeps its memory: so the same jobs again
        before = memory()
        for begin in range(0, jobs // 2, EACH):
            several(kind, EACH, begin=begin)
        assert memory() - before < GROWTH, f"from {before:.0f} to {memory():.0f} MB"


def several(kind: str, jobs: int, *, begin: int) -> None:
    """Do so many jobs; Hypothesis remembers what it has drawn, so those of a long soak are several of its runs."""

    @seed(begin)
    @settings(max_examples=jobs, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given((KINDS | MORE)[kind]())
    def soak(job):
        ended(job)

    soak()
    gc.collect()
