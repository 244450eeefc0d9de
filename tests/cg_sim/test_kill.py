"""Signals: kill -9 at random moments loses nothing beyond the last checkpoint; Ctrl-C stops with what was sampled."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cg_data as cd
from cg_sim.checkpoints import Checkpoint
from cg_sim.cli.main import main

KILLS, EVERY = 24, 300
RUN = ["run", "--potential", "lj:cutoff=2.5", "--density", "0.7", "--kT", "1", "--n", "108", "--equilibration", "1000",
       "--steps", "11000", "--sample-every", "25", "--rdf", "2.5", "--checkpoint-every", str(EVERY), "--report-every", "0"]  # fmt: skip
# Imports once, then forks a process for each run and kills it: a start that costs milliseconds, not a second.
FORKING = """
import json, os, signal, sys, time
from cg_sim.cli.main import main
main([*json.loads(sys.argv[1]), "--steps", "100", "--equilibration", "0", "--quiet", "-o", "warm.nc"])
for line in sys.stdin:
    arguments, seconds = json.loads(line)
    log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)  # here: a child killed at once must not leave the last
    begin, child = time.monotonic(), os.fork()
    if child == 0:
        os.dup2(log, 1)
        os.dup2(log, 2)
        os._exit(main(arguments))
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(log)
    print(json.dumps([status, time.monotonic() - begin]), flush=True)
"""


@pytest.fixture
def launch(tmp_path, monkeypatch):
    """A function that runs the command in a process of its own, killed after some seconds, and returns its status."""
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-c", FORKING, json.dumps(RUN)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def run(arguments, seconds=None):
            process.stdin.write(json.dumps([arguments, seconds]) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield run
        process.stdin.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither fork nor SIGKILL")
def test_killed_at_any_moment_nothing_is_lost_beyond_the_last_checkpoint(launch, tmp_path):
    status, seconds = launch([*RUN, "-o", "whole.nc"])
    assert status == 0, Path("log").read_text()
    whole, rng = cd.load("whole.nc"), np.random.default_rng(7)
    kills, passes, done, moments = 0, 0, 0, set()
    while kills < KILLS:
        status, _ = launch([*RUN, "--resume"], rng.uniform(0, 0.5 * seconds))
        log = Path("log").read_text()
        if status == 0:  # got through in spite of the kills: what it wrote counts, then anew
            assert cd.load("run.nc").drop_attrs().identical(whole.drop_attrs())
            Path("run.checkpoint.npz").unlink()
            passes, done = passes + 1, 0
            continue
        assert status == -9, log
        kills += 1
        done = _checked(log, done)
        moments.add(done)
    assert len(moments) > 5  # kills fell between different checkpoints
    assert launch([*RUN, "--resume"])[0] == 0
    assert cd.load("run.nc").drop_attrs().identical(whole.drop_attrs())
    assert main([*RUN, "--resume", "-o", "fresh.nc", "--checkpoint", "run.checkpoint.npz"]) == 0
    assert cd.load("fresh.nc").drop_attrs().identical(whole.drop_attrs())  # by a process that saw none of it
    expected = {
        "fresh.nc",
        "log",
        "run.checkpoint.npz",
        "run.nc",
        "warm.checkpoint.npz",
        "warm.nc",
        "whole.checkpoint.npz",
        "whole.nc",
    }
    assert {p.name for p in tmp_path.iterdir()} == expected


def _checked(log: str, before: int) -> int:
    """Return the steps in the checkpoint after a kill, having checked that it holds what the log says."""
    file = Path("run.checkpoint.npz")
    done = Checkpoint.load(file).done if file.exists() else 0
    started = re.search(r"continuing from step (\d+)", log)
    assert started is None or int(started[1]) == before
    reported = [int(step) for step in re.findall(r"^(\d+) of 12000 steps", log, re.MULTILINE)]
    assert done >= max([before, *(step - EVERY for step in reported)])
    return done


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to one process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_run_with_what_was_sampled(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-m", "cg_sim", *RUN, "--steps", "100000000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert any(line.startswith("3000 of") for line in process.stderr)
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == 130, rest
    last = rest.strip().splitlines()[-1]
    done = int(re.match(r"cg-sim: interrupted at step (\d+) of 100001000; ", last)[1])
    data = cd.load("run.nc")
    assert f"{data.sizes['sample']} samples in run.nc" in last
    assert data.sizes["sample"] == (done - 1000) // 25
    assert f"at step {done}" in data.attrs["interrupted"]
    assert f"--resume continues from step {Checkpoint.load('run.checkpoint.npz').done}" in last
