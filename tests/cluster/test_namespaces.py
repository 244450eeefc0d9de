"""A campaign on machines of their own, as far as a network can tell: a Dask scheduler and four workers, each in a network namespace.

Workers are killed, one is stopped for seconds, the scheduler is killed and comes back, the disk is full: nothing is lost, and the store
ends as a serial run's. Needs root, iproute2 and Dask: `make cluster`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import cg_data as cd
from cg_sim.campaign import run

pytest.importorskip("distributed", reason='pip install "cg-sim[dask]"')
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="network namespaces need iproute2"),
]
ROWS, WORKERS, BRIDGE, NET = 60, 4, "cg-bridge", "10.77.83"
SCHEDULER = f"tcp://{NET}.10:8786"
WORK = """
import hashlib, time
import numpy as np

def work(row):
    time.sleep(0.3)
    seed = int.from_bytes(hashlib.sha256(f"{row['x']}".encode()).digest()[:4], "big")
    return {"y": np.random.default_rng(seed).random(500)}
"""
CLIENT = f'''
import sys
import cg_data as cd
from cg_sim.campaign import run
from namespace_work import work

tally = run(cd.Campaign.open(sys.argv[1]), work, scheduler="{SCHEDULER}")
print(tally.there, len(tally.failures), next(iter(tally.failures.values()), ""), flush=True)
'''


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class Machines:
    """Namespaces cg-0 (the scheduler's) to cg-4 on one bridge, and the processes in them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.running = folder, dict[int, subprocess.Popen[bytes]]()
        ip("link", "add", BRIDGE, "type", "bridge")
        ip("addr", "add", f"{NET}.1/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for k in range(WORKERS + 1):
            ip("netns", "add", f"cg-{k}")
            ip("link", "add", f"cg-v{k}", "type", "veth", "peer", "name", "eth0", "netns", f"cg-{k}")
            ip("link", "set", f"cg-v{k}", "master", BRIDGE, "up")
            for words in (("addr", "add", f"{NET}.{10 + k}/24", "dev", "eth0"), ("link", "set", "eth0", "up"), ("link", "set", "lo", "up")):  # fmt: skip
                ip("-n", f"cg-{k}", *words)

    def start(self, k: int) -> None:
        """Start the scheduler (0) or a worker in its namespace."""
        words = ["distributed.cli.dask_scheduler", "--host", f"{NET}.10", "--port", "8786", "--no-dashboard"]
        if k:
            words = ["distributed.cli.dask_worker", SCHEDULER, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", f"{NET}.{10 + k}",
                     "--local-directory", str(self.folder / f"scratch-{k}"), "--death-timeout", "60"]  # fmt: skip
        with (self.folder / f"cg-{k}.log").open("ab") as log:
            self.running[k] = subprocess.Popen(["ip", "netns", "exec", f"cg-{k}", sys.executable, "-m", *words], stdout=log, stderr=log)  # fmt: skip

    def signal(self, k: int, what: signal.Signals) -> None:
        self.running[k].send_signal(what)

    def kill(self, k: int) -> None:
        self.running[k].kill()
        self.running[k].wait(20)

    def close(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait(20)
        for k in range(WORKERS + 1):
            subprocess.run(["ip", "netns", "del", f"cg-{k}"], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", BRIDGE], check=False, capture_output=True)


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A disk of 1 MB, mounted before the machines start: they see what was there then."""
    found = tmp_path / "disk"
    found.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(found)], check=True)
    yield found
    subprocess.run(["umount", "-l", str(found)], check=False)


@pytest.fixture
def machines(disk, tmp_path, monkeypatch) -> Iterator[Machines]:
    (tmp_path / "namespace_work.py").write_text(WORK)
    (tmp_path / "client.py").write_text(CLIENT)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.syspath_prepend(str(tmp_path))
    found = Machines(tmp_path)
    try:
        for k in range(WORKERS + 1):
            found.start(k)
        yield found
    finally:
        found.close()
        sys.modules.pop("namespace_work", None)


def store(path: Path) -> cd.Campaign:
    return cd.Campaign.create(path, {"x": np.arange(ROWS, dtype=float)}, {"y": (("r",), (500,), "float64", "")})


def files(path: Path) -> dict[str, bytes]:
    """All that a store holds, but for its empty locks."""
    found = {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}
    return {name: content for name, content in found.items() if "done/locks" not in name}


def serial(folder: Path) -> dict[str, bytes]:
    import namespace_work

    campaign = store(folder / "serial.zarr")
    assert run(campaign, lambda row: namespace_work.work(row)).there == ROWS
    return files(campaign.path)


def client(folder: Path, path: Path) -> subprocess.Popen[str]:
    with (folder / "client.log").open("ab") as log:
        return subprocess.Popen([sys.executable, str(folder / "client.py"), str(path)], stdout=subprocess.PIPE, stderr=log, text=True)  # fmt: skip


def wait_for(campaign: cd.Campaign, rows: int, seconds: float = 90.0) -> None:
    """Wait until so many rows are there."""
    until = time.monotonic() + seconds
    while ROWS - len(campaign.missing()) < rows:
        assert time.monotonic() < until, f"{ROWS - len(campaign.missing())} of {rows} rows after {seconds:g} s"
        time.sleep(0.1)


def test_workers_die_one_stands_still_and_the_scheduler_comes_back(machines, tmp_path):
    wanted, campaign = serial(tmp_path), store(tmp_path / "cluster.zarr")
    first = client(tmp_path, campaign.path)
    wait_for(campaign, 6)
    machines.kill(1)  # for good
    machines.signal(2, signal.SIGSTOP)  # slow: it does nothing for a while
    wait_for(campaign, 16)
    machines.kill(3)
    machines.start(3)  # another takes its place
    machines.signal(2, signal.SIGCONT)
    wait_for(campaign, 26)
    machines.kill(0)  # and with it the state of the cluster
    time.sleep(1)
    before = ROWS - len(campaign.missing(verify=True))
    assert before >= 26
    first.kill()
    first.communicate()
    machines.start(0)
    for k in (1, 2, 3, 4):  # workers of a scheduler that is gone end; a batch system starts others
        machines.kill(k)
        machines.start(k)
    said, _ = client(tmp_path, campaign.path).communicate(timeout=120)
    assert said.split()[:2] == [str(ROWS), "0"]
    assert files(campaign.path) == wanted


def test_a_full_disk_is_reported_and_what_was_written_is_whole(machines, disk, tmp_path):
    wanted, campaign = serial(tmp_path), store(disk / "cluster.zarr")
    room = shutil.disk_usage(disk).free
    (disk / "filler").write_bytes(b"0" * (room - 250_000))  # for some of the rows
    said, _ = client(tmp_path, campaign.path).communicate(timeout=180)
    there, failed = map(int, said.split()[:2])
    assert 0 < failed < ROWS
    assert "No space left" in said
    assert there + failed == ROWS
    assert len(campaign.missing(verify=True)) == failed  # what is there is whole
    (disk / "filler").unlink()
    said, _ = client(tmp_path, campaign.path).communicate(timeout=180)
    assert said.split()[:2] == [str(ROWS), "0"]
    assert files(campaign.path) == wanted
