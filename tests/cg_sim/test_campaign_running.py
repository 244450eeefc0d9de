"""Campaigns are killed, on one machine and on a cluster, and end with the store that an undisturbed run writes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import cg_data as cd
from cg_sim.campaign import Liquids, Named, run, status
from cg_sim.campaign.liquid import Liquid
from cg_sim.cli.main import main

ROWS = 40
WORK = """
import hashlib, os, time
import numpy as np

def work(row):
    time.sleep(0.03 + (0.5 if os.environ.get("SLOW") else 0.0))
    seed = int.from_bytes(hashlib.sha256(f"{row['x']}".encode()).digest()[:4], "big")
    return {"y": np.random.default_rng(seed).random(50)}

def fails_at_three(row):
    if row["x"] == 3.0:
        raise ValueError("three is not possible")
    return work(row)

def dies_at_three(row):
    if row["x"] == 3.0:
        os._exit(9)
    return work(row)
"""
MAIN = """
import sys
import cg_data as cd
from cg_sim.campaign import run
from campaign_work import work

if __name__ == "__main__":
    run(cd.Campaign.open(sys.argv[1]), work, workers=int(sys.argv[2]))
"""
# Imports once, then forks a campaign for each line and kills it so many seconds after so many more rows are there: a start
# costs milliseconds, and a slow machine is killed as far on as a fast one.
FORKING = """
import os, signal, sys, time
import zarr
import cg_data as cd
import cg_data.stores.campaign_layout
from cg_sim.campaign import run
from campaign_work import work

records = os.path.join(sys.argv[1], "done", "records")
count = lambda: len(os.listdir(records)) if os.path.isdir(records) else 0
for line in sys.stdin:
    rows, delay = line.split()
    goal, deadline = count() + int(rows), time.monotonic() + 30
    child = os.fork()
    if child == 0:
        run(cd.Campaign.open(sys.argv[1]), work)
        os._exit(0)
    while count() < goal and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(float(delay))
    os.kill(child, signal.SIGKILL)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the work of a row as a module that workers can import."""
    (tmp_path / "campaign_work.py").write_text(WORK)
    (tmp_path / "main.py").write_text(MAIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    yield tmp_path
    sys.modules.pop("campaign_work", None)


def store(path: Path) -> cd.Campaign:
    return cd.Campaign.create(path, {"x": np.arange(ROWS, dtype=float)}, {"y": (("r",), (50,), "float64", "")})


def work_named(name: str):
    import campaign_work

    return getattr(campaign_work, name)


def files(path: Path) -> dict[str, bytes]:
    """All that a store holds, but for its empty locks."""
    found = {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}
    return {name: content for name, content in found.items() if "done/locks" not in name}


def serial(folder: Path) -> dict[str, bytes]:
    campaign = store(folder / "serial.zarr")
    tally = run(campaign, work_named("work"))
    assert (tally.there, tally.failures) == (ROWS, {})
    return files(campaign.path)


@pytest.mark.skipif(sys.platform == "win32", reason="no fork, no SIGKILL")
def test_killed_twenty_times_the_store_ends_the_same(folder):
    wanted, path = serial(folder), folder / "killed.zarr"
    campaign, noise, killed, seen = store(path), random.Random(1), 0, set()
    command = [sys.executable, "-c", FORKING, str(path)]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as forks:
        while killed < 20:
            forks.stdin.write(f"{noise.randint(1, 4)} {noise.uniform(0.0, 0.06)}\n")
            forks.stdin.flush()
            killed += int(forks.stdout.readline()) == -signal.SIGKILL
            missing = len(campaign.missing(verify=True))
            seen.add(missing)
            if missing < 10:  # keep something to be killed over
                for row in range(0, ROWS, 2):
                    campaign.discard(row)
        forks.stdin.close()
    assert len(seen) > 5
    run(campaign, work_named("work"))
    assert files(path) == wanted


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_with_its_workers_at_work_it_leaves_no_orphans_and_goes_on(folder):
    wanted, path = serial(folder), folder / "orphans.zarr"
    campaign = store(path)
    process = subprocess.Popen([sys.executable, "main.py", str(path), "2"], cwd=folder)
    deadline = time.monotonic() + 60
    while len(campaign.missing()) > ROWS - 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    time.sleep(1.5)  # orphans look for their parent twice a second
    left = campaign.missing().tolist()
    time.sleep(1.0)
    assert 0 < len(left) <= ROWS - 5
    assert campaign.missing().tolist() == left
    assert subprocess.run([sys.executable, "main.py", str(path), "2"], cwd=folder, timeout=120).returncode == 0
    assert files(path) == wanted


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds workers in /proc")
def test_single_workers_are_killed_and_their_rows_done_by_others(folder):
    wanted, path = serial(folder), folder / "workers.zarr"
    store(path)
    process = subprocess.Popen([sys.executable, "main.py", str(path), "2"], cwd=folder)
    deaths = 0
    while process.poll() is None:
        time.sleep(1.0)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        workers = [int(pid) for pid in (children.read_text().split() if children.exists() else [])]
        spawned = [pid for pid in workers if b"spawn_main" in _command(pid)]
        if spawned and deaths < 3:
            os.kill(spawned[0], signal.SIGKILL)
            deaths += 1
    assert process.returncode == 0
    assert deaths >= 1
    assert files(path) == wanted


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_row_that_fails_is_reported_and_the_others_are_done(folder, workers):
    campaign = store(folder / "fails.zarr")
    tally = run(campaign, work_named("fails_at_three"), workers=workers)
    assert tally.failures == {3: "ValueError: three is not possible"}
    assert campaign.missing().tolist() == [3]
    assert run(campaign, work_named("work")).there == ROWS
    assert len(campaign.missing()) == 0


def test_a_row_that_kills_its_workers_is_left_out_and_the_others_are_done(folder):
    campaign = store(folder / "dies.zarr")
    tally = run(campaign, work_named("dies_at_three"), workers=2)
    assert "workers died" in tally.failures[3]
    assert tally.deaths >= 5
    assert set(campaign.missing().tolist()) <= {2, 3, 4, 5}
    assert 3 in campaign.missing()


@pytest.mark.filterwarnings("ignore")  # Dask warns of ports and of its own threads
def test_on_a_cluster_with_one_worker_killed_and_one_slow(folder):
    """Real worker processes; the killed one is started again by its nanny, the slow one takes ten times as long."""
    distributed = pytest.importorskip("dask.distributed")
    wanted, campaign = serial(folder), store(folder / "cluster.zarr")
    with distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None, processes=True) as cluster, distributed.Client(cluster) as client:  # fmt: skip
        first, second = sorted(client.run(os.getpid).items())
        client.run(os.environ.__setitem__, "SLOW", "1", workers=[first[0]])
        killed = []

        def report(tally):
            if tally.finished == 8 and not killed:
                os.kill(second[1], signal.SIGKILL)
                killed.append(second[1])

        tally = run(campaign, work_named("work"), scheduler=client, report=report)
    assert killed
    assert tally.there == ROWS
    assert not tally.failures
    assert files(campaign.path) == wanted


def test_the_command_runs_says_how_it_is_and_collects(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("c.toml").write_text(
        '[potentials]\nformulas = ["wca:sigma=1"]\n[rows]\ndensity = [0.1, 0.2]\n'
        "[run]\nparticles = 100\nbox = 5.0\nreach = 2.5\nbins = 25\nleast = 1000\nmost = 1000\nmelting = 100\n"
    )
    assert main(["campaign", "c.toml", "-o", "c.zarr", "--workers", "1", "--page", "c.html"]) == 0
    printed = capsys.readouterr()
    assert "2 of 2 rows done" in printed.out
    assert "of 2 rows" in printed.err
    assert "http-equiv" in Path("c.html").read_text()
    assert "2 of 2 rows" in Path("c.html").read_text()
    assert main(["campaign", "status", "c.zarr"]) == 0
    assert "0.2 " in capsys.readouterr().out
    assert main(["campaign", "collect", "c.zarr", "-o", "c.nc"]) == 0
    import xarray as xr

    with xr.open_dataset("c.nc") as data:
        assert data.g.shape == (2, 25)
        assert data.done.all()
        assert (float(data.r[0]), float(data.r[-1]), data.r.units) == (0.05, 2.45, "sigma")
    assert main(["campaign", "c.toml"]) == 1
    assert "where shall" in capsys.readouterr().err
    assert main(["campaign", "status", "c.toml"]) == 1


def test_status_counts_kinds_by_density(tmp_path):
    small = Liquid(particles=100, box=5.0, reach=2.5, bins=25, least=1000, most=1000, melting=100)
    liquids = Liquids(Named(("wca:sigma=1",)), (0.1, 0.2), liquid=small)
    campaign = liquids.campaign(tmp_path / "c.zarr")
    assert status(campaign.path).done == 0
    run(campaign, liquids)
    found = status(campaign.path)
    assert found.done == found.rows == 2
    assert sum(found.kinds[0.1].values()) == 1
