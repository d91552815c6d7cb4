"""What runs in a child process may fail in any way, and what it does beside its work is noticed."""

import os
import signal
import socket
import tempfile
import time

import pytest

from mt_core.conformance import sandbox
from mt_core.conformance.sandbox import SideEffectMonitor, TaskFailure, run_in_child


def test_each_task_is_answered_in_turn_whatever_becomes_of_the_others(monkeypatch):
    monkeypatch.setattr(sandbox, "TIME_LIMIT_S", 0.5)
    tasks = [
        lambda: 1,
        lambda: 1 / 0,
        lambda: os._exit(3),
        lambda: os.kill(os.getpid(), signal.SIGABRT),
        lambda: time.sleep(60),
        lambda: "last",
    ]
    assert run_in_child(tasks) == [
        1,
        TaskFailure("raised ZeroDivisionError: division by zero"),
        TaskFailure("ended its process (exit code 3)"),
        TaskFailure("ended its process (SIGABRT)"),
        TaskFailure("took longer than 0.5 s", timed_out=True),
        "last",
    ]


def test_what_a_task_does_to_its_process_stays_there():
    here = os.getcwd()
    assert run_in_child([lambda: os.chdir("/"), os.getcwd]) == [None, "/"]
    assert os.getcwd() == here


def test_writing_is_noticed_but_in_the_folder_for_temporary_files(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir(), outside.mkdir()
    (outside / "old").write_text("")

    def work():
        monitor = SideEffectMonitor(inside)
        with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
            file.write(b"unpacked")
            os.mkdir(f"{folder}/below")
        (outside / "old").read_text()
        with open(os.devnull, "w") as nothing:
            nothing.write("")
        valid = list(monitor.written)
        (outside / "new").write_text("")
        (outside / "old").rename(outside / "renamed")
        os.remove(outside / "new")
        os.symlink(outside, inside / "link")
        (inside / "link" / "new").write_text("")
        return valid, [os.path.relpath(path, outside) for path in monitor.written]

    ((valid, written),) = run_in_child([work])
    assert (valid, written) == ([], ["new", "old", "renamed", "new", "new"])


def send_a_datagram(host):
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.sendmsg([b"?"], [], 0, (host, 9))


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda: socket.create_connection(("127.0.0.1", 9)), id="connect"),
        pytest.param(lambda: socket.getaddrinfo("example.org", 80), id="getaddrinfo"),
        pytest.param(lambda: socket.gethostbyaddr("127.0.0.1"), id="gethostbyaddr"),  # which `getfqdn` asks
        pytest.param(lambda: socket.getnameinfo(("127.0.0.1", 9), 0), id="getnameinfo"),
        pytest.param(lambda: send_a_datagram("127.0.0.1"), id="sendmsg"),
    ],
)
def test_the_network_is_refused_and_noticed(tmp_path, ask):
    def work():
        monitor = SideEffectMonitor(tmp_path)
        try:
            ask()
        except OSError as error:
            return str(error), monitor.network

    ((message, asked),) = run_in_child([work])
    assert message == "there is no network here" and len(asked) == 1
    assert asked[0] in ("127.0.0.1", "example.org", "('127.0.0.1', 9)")
