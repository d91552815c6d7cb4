"""What is refused, with which status, and that it is our text."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mt_serve.app import Settings, create_app
from mt_serve.limits import Limits
from mt_serve.upload_folder import folder_of_uploads
from mt_serve.uploads import file_name

WORDS = {"samples": ["a fine day"]}


def refused(answer, status):
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"problem", "fix"} and error["problem"]
    assert "Traceback" not in answer.text and "/mt-serve-" not in answer.text
    return error


@pytest.fixture
def serve(runs):
    """Starts a server with other limits or a token."""
    started = []

    def start(token=None, **limits):
        app = create_app(runs, settings=Settings(limits=Limits(**limits), token=token))
        client = TestClient(app, raise_server_exceptions=False)
        started.append(client.__enter__())
        return client

    yield start
    for client in started:
        client.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("path", "request_", "status", "said"),
    [
        ("/predict", {"json": WORDS}, 400, "names none"),
        ("/predict?run=word", {"json": WORDS}, 404, "did you mean words"),
        ("/embed?run=words&pool=most", {"json": WORDS}, 400, "pool"),
        ("/predict?run=words", {"content": b"{", "headers": {"content-type": "application/json"}}, 400, "JSON"),
        ("/predict?run=words", {"data": {"samples": "[" * 100_000}, "files": {"beside": b"x"}}, 400, "JSON"),
        ("/predict?run=words", {"json": {"samples": []}}, 400, "no samples"),
        ("/predict?run=words", {"json": {"samples": [3]}}, 400, "a sample is 3"),
        ("/predict?run=words", {"json": {"samples": [""]}}, 422, "no bytes"),
        ("/predict?run=words", {"content": b"x", "headers": {"content-type": "text/plain"}}, 415, "text/plain"),
        ("/predict?run=photos", {"files": {"photo": b"x"}}, 400, "'photo'"),
        ("/predict?run=photos", {"data": {"file": "x"}, "files": {"beside": b"x"}}, 400, "'file'"),
        ("/predict?run=photos", {"files": [("file", ("a.png", b"x")), ("file", ("a.png", b"x"))]}, 400, "two files"),
        ("/predict?run=photos", {"files": [("file", (f"{at}.png", b"x")) for at in range(17)]}, 413, "Too many"),
        ("/predict?run=photos", {"files": {"file": ("a.png", b"no picture")}}, 422, "a.png"),
        ("/predict?run=people", {"json": {"samples": [{"height": 3}]}}, 422, "age"),
        ("/nowhere", {"json": WORDS}, 404, "Not Found"),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_answered_gets_our_text(client, path, request_, status, said):
    assert said in refused(client.post(path, **request_), status)["problem"]


def test_what_can_be_read_is_answered_and_the_rest_is_listed(client, photo):
    answer = client.post("/predict?run=photos", files=[("file", ("a.png", photo)), ("file", ("b.png", b"none"))])
    assert answer.status_code == 200
    assert [each["source"] for each in answer.json()["predictions"]] == ["a.png"]
    (error,) = answer.json()["errors"]
    assert error["source"] == "b.png" and error["problem"].startswith("b.png") and error["fix"]


def test_a_long_request_is_refused_by_its_length_and_while_it_comes(serve, photo):
    client = serve(bytes=1000)
    refused(client.post("/predict?run=photos", files={"file": ("a.png", b"0" * 2000)}), 413)
    coming = (b"0" * 100 for _ in range(20))
    headers = {"content-type": "application/json"}
    assert "longer than" in refused(client.post("/predict?run=words", content=coming, headers=headers), 413)["problem"]


def test_more_samples_than_allowed_are_refused_in_json_and_in_a_table(serve):
    client = serve(samples=3)
    refused(client.post("/predict?run=words", json={"samples": ["a"] * 4}), 413)
    table = b"age,town\n" + b"3,Rome\n" * 4
    assert (
        "more than 3 samples"
        in refused(client.post("/predict?run=people", files={"file": ("a.csv", table)}), 413)["problem"]
    )


def test_a_token_is_asked_for_everywhere_but_at_health(serve):
    client = serve(token="secret")
    refused(client.post("/predict?run=words", json=WORDS), 401)
    refused(client.get("/models", headers={"Authorization": "Bearer wrong"}), 401)
    assert client.get("/models", headers={"Authorization": "Bearer secret"}).status_code == 200
    assert client.get("/health").status_code == 200


@pytest.fixture
def odd_texts(runs, monkeypatch):
    """Texts that stop their reader, crash it, or look into another file."""
    tokenizer = runs.choose("words").model.tokenizer
    stream = type(tokenizer).stream

    def odd(self, source):
        if source == b"crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if source == b"sleep":
            time.sleep(60)
        if source == b"slow":
            time.sleep(0.6)
        if isinstance(source, bytes) and source.startswith(b"look "):
            Path(source.decode().removeprefix("look ")).read_bytes()
        yield from stream(self, source)

    monkeypatch.setattr(type(tokenizer), "stream", odd)


def test_a_file_that_crashes_its_reader_costs_its_own_request_alone(serve, odd_texts):
    client = serve()
    assert "SIGSEGV" in refused(client.post("/predict?run=words", json={"samples": ["crash"]}), 422)["problem"]
    answer = client.post("/predict?run=words", json={"samples": ["a", "crash", "b"]}).json()
    assert [each["source"] for each in answer["predictions"]] == ["samples[0]", "samples[2]"]


def test_a_file_that_is_never_read_to_its_end_is_given_up(serve, odd_texts):
    client = serve(seconds=1.5)
    error = refused(client.post("/predict?run=words", json={"samples": ["sleep"]}), 422)
    assert "was not read in 1.5 s" in error["problem"] and "--seconds" in error["fix"]
    assert client.post("/predict?run=words", json=WORDS).status_code == 200


def test_what_is_not_read_in_time_is_named_and_the_rest_is_answered(serve, odd_texts):
    answer = serve(seconds=1).post("/predict?run=words", json={"samples": ["slow", "slow", "slow", "a"]}).json()
    assert [each["source"] for each in answer["predictions"]] == ["samples[0]", "samples[1]"]
    assert [each["source"] for each in answer["errors"]] == ["samples[2]", "samples[3]"]
    assert all("was not read in 1 s" in each["problem"] for each in answer["errors"])


def test_a_reader_sees_no_file_but_the_uploads(serve, odd_texts, run_folders):
    secret = run_folders["words"] / "run.json"
    problem = refused(serve().post("/predict?run=words", json={"samples": [f"look {secret}"]}), 422)["problem"]
    assert "Permission" in problem


def test_a_text_in_json_is_never_the_name_of_a_file(client, run_folders):
    answer = client.post("/predict?run=words", json={"samples": [str(run_folders["words"] / "metrics.csv")]})
    assert len(answer.json()["predictions"]) == 1  # and not one a row of that table


def test_further_requests_are_refused_while_as_many_as_allowed_are_at_work(serve, odd_texts):
    client = serve(requests=1, seconds=2)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(client.post, "/predict?run=words", json={"samples": ["sleep"]})
        time.sleep(0.5)
        answer = client.post("/predict?run=words", json=WORDS)
        refused(answer, 429)
        assert answer.headers["Retry-After"] == "1"
        refused(first.result(), 422)


def test_uploads_are_removed_also_after_errors(serve, photo):
    client = serve()
    folder = client.app.state.folder
    client.post("/predict?run=photos", files={"file": ("a.png", photo)})
    client.post("/predict?run=photos", files={"file": ("a.png", b"none")})
    client.post("/predict?run=photos", files=[("file", ("a.png", photo)), ("wrong", ("b.png", photo))])
    assert list(folder.iterdir()) == []


def test_what_a_killed_server_left_is_removed_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left, of_one_alive = tmp_path / f"mt-serve-{dead.pid}-abc", tmp_path / f"mt-serve-{os.getppid()}-abc"
    left.mkdir(), of_one_alive.mkdir()
    with folder_of_uploads() as folder:
        assert sorted(tmp_path.iterdir()) == sorted([folder, of_one_alive])
    assert list(tmp_path.iterdir()) == [of_one_alive]


def test_a_fault_of_ours_is_an_answer_too_and_tells_nothing_of_the_code(client, monkeypatch):
    def fails(*arguments):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("mt_serve.asks.answers_of", fails)
    answer = client.post("/predict?run=words", json=WORDS)
    assert "ZeroDivisionError" in refused(answer, 500)["problem"] and "secret" not in answer.text


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\a.JPG", "a.JPG"),
        ("/", "upload"),
        ("..", "upload"),
        (".csv", "csv"),
        ("a\nb.tar.gz", "a_b.tar.gz"),
        ("x" * 300 + ".nii.gz", "x" * 60 + ".nii.gz"),
    ],
)
def test_an_upload_is_called_by_the_last_part_of_its_name(given, name):
    assert file_name(given) == name
