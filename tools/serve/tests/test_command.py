"""`mt serve`, as a process of its own on a free port."""

from __future__ import annotations

import signal
import socket
import threading
import time

import httpx
import pytest
from click.testing import CliRunner

from mt_core.errors import OptionError
from mt_serve.command import command
from mt_serve.server import listen


def wait_until_healthy(address: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{address}/health", timeout=60).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("it did not start")


@pytest.mark.slow
def test_a_server_answers_and_after_sigterm_finishes_what_it_is_at(start):
    process, address = start(
        "--host", "127.0.0.1", "--readers", "2", "--mib", "4", "--files", "4", "--samples", "500", "--seconds", "60",
        "--requests", "8", "--window-ms", "2", "--max-tokens", "4000", "--token", "secret", "--encoder", "mt-tiny",
        "--precision", "32", "--device", "cpu",
    )  # fmt: skip
    wait_until_healthy(address)
    assert httpx.get(f"{address}/models", timeout=60).status_code == 401
    client = httpx.Client(base_url=address, headers={"Authorization": "Bearer secret"}, timeout=120)
    samples = {"samples": [f"a text of a long request, number {at}" for at in range(500)]}
    answers = []
    asking = threading.Thread(target=lambda: answers.append(client.post("/predict?run=words", json=samples)))
    asking.start()
    for _ in range(600):
        if client.get("/health").json()["at_work"]:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    with httpx.Client(base_url=address, timeout=60) as another:
        refused = another.get("/health")
    asking.join()
    assert refused.status_code == 503 and "shutting down" in refused.text
    client.close()
    assert answers[0].status_code == 200 and len(answers[0].json()["predictions"]) == 500
    assert process.wait(60) == 0


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once_without_a_traceback(start, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    process, address = start("--samples", "2000")
    wait_until_healthy(address)
    samples = {"samples": ["a long text " * 200] * 2000}
    failures = []

    def ask():
        try:
            failures.append(httpx.post(f"{address}/predict?run=words", json=samples, timeout=120))
        except httpx.TransportError as error:
            failures.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    for _ in range(600):
        if httpx.get(f"{address}/health", timeout=60).json()["at_work"]:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 1
    asking.join()
    assert isinstance(failures[0], httpx.TransportError)
    assert not any(tmp_path.glob("mt-serve-*"))
    while not process.stderr.closed:
        time.sleep(0.01)
    said = "".join(process.lines)
    assert "1 request(s) were not answered" in said and "Traceback" not in said


@pytest.mark.slow
def test_an_idle_server_ends_at_once_and_leaves_nothing(start, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    process, address = start()
    wait_until_healthy(address)
    assert any(tmp_path.glob("mt-serve-*"))
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert not any(tmp_path.glob("mt-serve-*"))


def test_a_port_in_use_is_refused_with_the_way_out():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(OptionError, match="cannot be listened on") as caught:
            listen("127.0.0.1", taken.getsockname()[1])
    assert "--port" in caught.value.fix


def test_a_command_without_runs_says_what_it_lacks():
    result = CliRunner().invoke(command, [])
    assert result.exit_code == 2 and "RUN..." in result.output
