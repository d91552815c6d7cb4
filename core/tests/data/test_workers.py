"""Jobs to messages in order, whatever becomes of a worker."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from mt_core.data.workers import WorkerPool
from mt_core.errors import PluginError


class Counting:
    """Three messages a job; before the second of job 5 it does something, at a sample or between two."""

    def __init__(self, then=lambda: None, is_at_sample=True):
        self.then, self.is_at_sample = then, is_at_sample

    def read(self, job, at):
        for number in range(3):
            at(job if self.is_at_sample else None)
            if (job, number) == (5, 1):
                self.then()
            yield job, number


class Once:
    """Sends the process a signal, the first time."""

    def __init__(self, path, number):
        self.path, self.number = path, number

    def __call__(self):
        if not self.path.exists():
            self.path.touch()
            os.kill(os.getpid(), self.number)
            time.sleep(0.2)  # a signal may take its time


ALL = [(job, number) for job in range(20) for number in range(3)]


def messages_of(pool, jobs=range(20)):
    """All messages, and the samples that were lost on the way; their jobs give no message."""
    lost = []

    def on_loss(job, loss):
        lost.append((loss.sample, loss.how))
        return "lost"

    reader = pool.reader.read
    pool.reader.read = lambda job, at: iter(()) if job == "lost" else reader(job, at)
    found = list(pool.map(jobs, on_loss))
    pool.close()
    return found, lost


@pytest.mark.parametrize("num_workers", [0, 1, 3])
def test_messages_come_in_the_order_of_the_jobs_and_workers_stay_for_the_next(num_workers):
    pool = WorkerPool(Counting(), num_workers)
    assert list(pool.map(range(20), None)) == ALL
    processes = [worker.process for worker in pool.workers]
    assert list(pool.map(range(20), None)) == ALL
    assert processes == [worker.process for worker in pool.workers] and len(processes) == num_workers
    pool.close()
    assert not any(process.is_alive() for process in processes)


def test_work_that_is_left_in_the_middle_leaves_no_process_and_no_message_behind():
    pool = WorkerPool(Counting(), 2)
    messages = pool.map(range(20), None)
    assert next(messages) == (0, 0)
    processes = [worker.process for worker in pool.workers]
    messages.close()
    assert pool.workers == [] and not any(process.is_alive() for process in processes)
    assert list(pool.map([7], None)) == [(7, 0), (7, 1), (7, 2)]
    pool.close()


@pytest.mark.parametrize("num_workers", [0, 1])
def test_an_error_of_the_reader_itself_ends_the_work(num_workers):
    def fail():
        raise OSError("of the reader itself")

    with pytest.raises(OSError, match="of the reader itself"):
        list(WorkerPool(Counting(fail), num_workers).map(range(20), None))


@pytest.mark.parametrize("num_workers", [1, 2])
def test_a_worker_that_dies_at_a_sample_costs_that_one(num_workers):
    found, lost = messages_of(WorkerPool(Counting(lambda: os.kill(os.getpid(), signal.SIGSEGV)), num_workers))
    assert lost == [(5, "ended the process that read it (signal SIGSEGV)")]
    assert [message for message in found if message[0] != 5] == [message for message in ALL if message[0] != 5]


def test_a_worker_that_stops_at_a_sample_costs_that_one():
    found, lost = messages_of(WorkerPool(Counting(lambda: time.sleep(100)), 2, seconds_a_sample=0.3))
    assert lost == [(5, "took longer than 0.3 s to read")] and len(found) >= len(ALL) - 3


def test_a_worker_that_dies_between_two_samples_costs_none(tmp_path):
    pool = WorkerPool(Counting(Once(tmp_path / "done", signal.SIGKILL), is_at_sample=False), 2)
    assert messages_of(pool) == (ALL, [])
    assert (tmp_path / "done").exists()


def test_workers_that_always_die_between_two_samples_end_the_work():
    pool = WorkerPool(Counting(lambda: os._exit(3), is_at_sample=False), 2)
    with pytest.raises(PluginError, match=r"3 worker processes .* between two samples \(exit code 3\)"):
        list(pool.map(range(20), None))
    assert pool.workers == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_processes_of_a_command_is_no_samples_fault(tmp_path, number):
    """A cluster sends SIGTERM, a terminal SIGINT, to workers too."""
    assert messages_of(WorkerPool(Counting(Once(tmp_path / "done", number)), 2)) == (ALL, [])
    assert (tmp_path / "done").exists()


def test_a_worker_that_is_killed_while_it_waits_costs_nothing():
    pool = WorkerPool(Counting(), 1)
    assert list(pool.map(range(20), None)) == ALL
    pool.workers[0].process.kill()
    pool.workers[0].process.join()
    assert messages_of(pool) == (ALL, [])


def test_time_in_which_nobody_waits_is_not_counted_against_a_sample():
    pool = WorkerPool(Counting(lambda: time.sleep(0.6)), 1, seconds_a_sample=1.0)
    found = []
    for message in pool.map(range(20), None):
        if message == (5, 0):
            time.sleep(1.2)
        found.append(message)
    pool.close()
    assert found == ALL


HANGS = """
    import os, sys, time
    from mt_core.data.workers import WorkerPool

    class Hanging:
        def read(self, job, at):
            at(job)
            print(os.getpid(), flush=True)
            time.sleep(1000)
            yield

    messages = WorkerPool(Hanging(), 1).map([0], None)
    {then}
"""


def running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc")
@pytest.mark.parametrize(
    "then",
    ["next(messages)", "import threading; threading.Thread(target=next, args=(messages,), daemon=True).start(); "
     "time.sleep(3); sys.exit()"],
    ids=["killed", "ends"],
)  # fmt: skip
def test_a_worker_in_the_middle_of_a_read_does_not_outlive_its_command(then):
    """Killed from outside, or at its end with a worker that heeds no SIGTERM."""
    program = textwrap.dedent(HANGS).format(then=then)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        worker = int(process.stdout.readline())
        assert running(worker)
        if then == "next(messages)":
            process.kill()
        process.wait(60)
    until = time.monotonic() + 10
    while running(worker) and time.monotonic() < until:
        time.sleep(0.02)
    assert not running(worker)
