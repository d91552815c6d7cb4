"""Real processes of Ray are killed while they embed: the file is that of an undisturbed command."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mt_core.cli import main

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"),
]

BY_RAY = ("--engine", "ray", "--num-workers", "1")
SECONDS = 240  # after which a command is ended, with a failing test

SLOWLY = """
import sys, time
import mt_core.embedding.part_writer as writer
import mt_ray.pools as pools

writer.SECONDS_A_PART = 0  # each batch is a part

class Reader(pools.Reader):
    def __call__(self, rows):
        for piece in super().__call__(rows):
            time.sleep(0.8)  # more than an encoder takes: until the end there is something to read
            yield piece

class Encoder(pools.Encoder):
    def __call__(self, rows):
        time.sleep(0.1)
        return super().__call__(rows)

pools.Reader, pools.Encoder = Reader, Encoder
from mt_core.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""A command whose readers and encoders take their time, so that a kill meets them at work."""


class Command:
    """A command that embeds by Ray, in a process and a session of its own."""

    def __init__(self, arguments, parts: Path):
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.parts = parts
        self.process = subprocess.Popen(
            [sys.executable, "-c", SLOWLY, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def wait_for_parts(self, count):
        until = time.monotonic() + SECONDS
        while len(list(self.parts.glob("part-*.parquet"))) < count:
            assert self.process.poll() is None, self.process.stderr.read().decode()
            assert time.monotonic() < until
            time.sleep(0.05)

    def ended(self):
        """Its exit code, and what it wrote to standard output and standard error."""
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out.decode(), err.decode()

    def kill(self):
        self.process.kill()
        self.process.communicate()


def processes() -> Iterator[tuple[int, int, str]]:
    """Number, session and title of all processes."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            title = (entry / "cmdline").read_bytes().decode(errors="replace")
            state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            if state != "Z":  # ended, and not waited for yet
                yield int(entry.name), int(session), title


@pytest.fixture
def start(command, folder):
    """Start a command by Ray: `start("ray.parquet")`."""
    started = []

    def start(out, *more):
        started.append(Command(command(out, *BY_RAY, *more), folder / f"{out}.parts"))
        return started[-1]

    yield start
    for each in started:
        each.kill()


def workers_of(session, name):
    """The processes of Ray in a session whose work has this name."""
    return [pid for pid, of, title in processes() if of == session and title.startswith("ray::") and name in title]


@pytest.fixture
def alone(command):
    """The file of an undisturbed command on this machine."""
    assert main(command("alone.parquet", "--num-workers", "1")) == 1
    return "alone.parquet"


def check_quiet(running):
    """It ends and tells of nothing but a file that cannot be read."""
    code, out, err = running.ended()
    assert code == 1 and out.endswith(": 59 vectors\n") and out.count("\n") == 1, (code, out, err)
    assert err.count("\n") == 3 and "031.png is not a picture" in err, err


def test_readers_and_encoders_that_are_killed_lose_and_double_nothing(start, alone, check_same):
    running = start("ray.parquet")
    for count, name in ((1, "Reader"), (3, "Reader"), (5, "Encoder")):
        running.wait_for_parts(count)
        while not (victims := workers_of(running.process.pid, name)):  # the one before is being started again
            assert running.process.poll() is None, f"no {name} was at work any more"
            time.sleep(0.05)
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
    check_quiet(running)
    check_same(alone, "ray.parquet")


def test_a_command_that_is_killed_goes_on_with_ray_and_without(start, alone, command, check_same):
    for out, how in (("ray.parquet", BY_RAY), ("mixed.parquet", ("--num-workers", "1"))):
        running = start(out)
        running.wait_for_parts(3)
        running.kill()
        until = time.monotonic() + SECONDS
        while workers_of(running.process.pid, "MapWorker"):  # they end with the command
            assert time.monotonic() < until
            time.sleep(0.1)
        assert main(command(out, *how)) == 1
    check_same(alone, "ray.parquet", "mixed.parquet")


@pytest.fixture
def cluster():
    """Two machines that work and one that does not, as Ray sees them; all of them are this one."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("RAY_worker_niceness", "0")  # else workers of a busy machine hardly run
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0}, shutdown_at_exit=False)
        try:
            for _ in range(2):
                made.add_node(num_cpus=2)
            yield made
        finally:
            made.shutdown()


def test_a_machine_that_is_lost_loses_and_doubles_nothing(start, alone, cluster, check_same):
    running = start("ray.parquet", "--address", cluster.address)
    running.wait_for_parts(2)
    cluster.remove_node(_with_a(running, cluster, "Reader"), allow_graceful=False)
    check_quiet(running)
    check_same(alone, "ray.parquet")


def _with_a(running, cluster, name):
    """The machine on which a process of this name works; waited for, as a title is another between two tasks."""
    while True:
        for pid, _, title in processes():
            if title.startswith("ray::") and name in title:
                with contextlib.suppress(OSError, ValueError):  # it has ended since
                    parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
                    for node in cluster.worker_nodes:
                        if parent in {each.process.pid for each in node.all_processes["raylet"]}:
                            return node
        assert running.process.poll() is None, f"no {name} was at work any more"
        time.sleep(0.05)
