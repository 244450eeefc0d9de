"""Killed at any moment, a fit goes on to the same potential, bit for bit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cg_data as cd
from cg_inverse.cli.main import main
from cg_inverse.fits.run_folder import PROGRESS, ledger_of

from .dilute import OPTIONS, target

RUN = ["ibi", "gas.nc", *OPTIONS, "--rounds", "8", "--stop-at-noise", "no", "--threads", "2"]
# Imports once, then forks a process for each run and kills it: a start that costs milliseconds, not seconds.
FORKING = """
import json, os, signal, sys, time
from cg_inverse.cli.main import main
main([*json.loads(sys.argv[1]), "--rounds", "1", "-o", "warm", "--quiet"])
for line in sys.stdin:
    arguments, seconds = json.loads(line)
    begin, child = time.monotonic(), os.fork()
    if child == 0:
        log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os._exit(main(arguments))
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps([status, time.monotonic() - begin]), flush=True)
"""


@pytest.fixture
def launch(tmp_path, monkeypatch):
    """A function that runs the command in a process of its own, killed after some seconds, and returns its status."""
    monkeypatch.chdir(tmp_path)
    cd.save(target(), "gas.nc")
    command = [sys.executable, "-c", FORKING, json.dumps(RUN)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def run(arguments, seconds=None):
            process.stdin.write(json.dumps([arguments, seconds]) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield run
        process.stdin.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither fork nor SIGKILL")
@pytest.mark.parametrize("kills", [3, pytest.param(24, marks=pytest.mark.slow)])
def test_killed_at_any_moment_it_ends_with_the_same_potential(kills, launch, tmp_path):
    status, seconds = launch([*RUN, "-o", "whole"])
    assert status == 0, Path("log").read_text()
    whole, rng, done, passes, moments = ledger_of("whole"), np.random.default_rng(kills), 0, 0, []
    span = 0.4 * seconds
    while len(moments) < kills or len(set(moments)) <= min(2, kills - 2):  # until kills fell into different rounds
        assert len(moments) < 10 * kills, "no run gets on between the kills"
        folder = f"run-{passes}"
        going_on = (Path(folder) / PROGRESS).exists()
        command = ["resume", folder] if going_on else [*RUN, "-o", folder]
        status, _ = launch(command, rng.uniform(0, span))
        if status == 0:  # got through in spite of the kills: what it found counts, then anew
            same_as(whole, folder)
            passes, done, span = passes + 1, 0, 0.8 * span
            continue
        assert status == -9, Path("log").read_text()
        found = len(ledger_of(folder).rounds) if (Path(folder) / PROGRESS).exists() else 0
        assert found >= done, "a round was lost"
        span *= 1.2 if found == done else 1.0  # the machine may have slowed down since the whole run was timed
        done = found
        moments.append(found)
    folder = f"run-{passes}"
    assert main(["resume", folder, "--quiet"] if Path(folder).exists() else [*RUN, "-o", folder, "--quiet"]) == 0
    same_as(whole, folder)  # by a process that saw none of it
    assert not list(tmp_path.glob("run-*/.*")), "drafts of killed runs are swept out"
    assert {p.name for p in Path(folder).iterdir()} == {p.name for p in Path("whole").iterdir()}


def same_as(whole, folder):
    """Assert that a folder holds the same fit, times apart."""
    found = ledger_of(folder)
    assert found.reason == whole.reason
    np.testing.assert_array_equal(found.best, whole.best)
    np.testing.assert_array_equal(found.progress.coefficients, whole.progress.coefficients)
    for ours, theirs in zip(found.progress.states[0], whole.progress.states[0], strict=True):
        np.testing.assert_array_equal(ours.positions, theirs.positions)
        np.testing.assert_array_equal(ours.velocities, theirs.velocities)
    for name, column in whole.rounds.columns.items():
        if "seconds" not in name:
            np.testing.assert_array_equal(found.rounds[name], column, err_msg=name)
    for name in ("A-A.table", "A-A.xvg", "A-A.csv"):
        assert (Path(folder) / name).read_bytes() == (Path("whole") / name).read_bytes()
