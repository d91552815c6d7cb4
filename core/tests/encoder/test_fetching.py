"""Weights that are fetched once, and used without a network from then on."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save

from mt_core.cli import main
from mt_core.encoder import load_encoder
from mt_core.encoder.weights import names_here, read_record
from mt_core.errors import EncoderError, FingerprintError

COMMIT = "0123456789abcdef" * 2 + "01234567"
MOST_REQUESTS = 100


@dataclass
class Hub:
    """What is served, and what was asked.

    Attributes:
        files: Contents by the file's name.
        damage: Sends other bytes of the same length than those it has the hash of.
        cut_at: Closes the connection after so many bytes of a file.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    damage: bool = False
    cut_at: int | None = None


@contextmanager
def hub_of(files: Mapping[str, bytes]) -> Iterator[Hub]:
    """A web server on this machine that answers as the hub does: it has these files in every repository, and at its
    root for everybody else."""
    hub = Hub(files=dict(files))

    class Handler(BaseHTTPRequestHandler):
        timeout = 5

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            hub.asked.append(f"{self.command} {self.path}")
            content = hub.files.get(self.path.rpartition("/")[2])
            if len(hub.asked) > MOST_REQUESTS or content is None:
                self.send_response(200 if self.path == "/" else 404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            digest = hashlib.sha256(content).hexdigest()
            self.send_response(200)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{digest}"')
            self.send_header("X-Linked-Etag", f'"{digest}"')
            self.send_header("X-Linked-Size", str(len(content)))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if with_body:
                body = content[: hub.cut_at]
                self.wfile.write(bytes([body[0] ^ 1]) + body[1:] if hub.damage and body else body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


MODEL = "test_vit.r160_in1k"
PLACE = f"timm/{MODEL}"
PREPROCESSING = {
    "mean": [0.1, 0.2, 0.3],
    "std": [0.4, 0.5, 0.6],
    "interpolation": "bilinear",
    "input_size": [3, 96, 96],
}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """What the hub has of timm's smallest ViT: its weights, drawn here, and a configuration of its own."""
    torch.manual_seed(0)
    vit = timm.create_model("test_vit", num_classes=10)
    for parameter in vit.parameters():
        parameter.data.add_(0.01)
    config = {"architecture": "test_vit", "num_classes": 10, "pretrained_cfg": {"tag": "r160_in1k", **PREPROCESSING}}
    return {"model.safetensors": save(vit.state_dict()), "config.json": json.dumps(config).encode()}


@pytest.fixture
def hub(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with hub_of(files) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("MT_WEIGHTS", str(tmp_path / "weights"))
        yield hub


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on any connection is an error of the test."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was asked")

    return lambda: [monkeypatch.setattr(socket.socket, name, refuse) for name in ("connect", "connect_ex")] and None


@pytest.fixture
def restricted(monkeypatch: pytest.MonkeyPatch) -> None:
    """timm says of these weights that they are not for commercial use."""
    config = timm.get_pretrained_cfg(MODEL)
    assert config is not None
    monkeypatch.setattr("mt_core.encoder.hub.timm_licence", lambda model: "cc-by-nc-4.0")


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def fetch(*arguments: str) -> int:
    return main(["fetch", "-q", *arguments])


def test_weights_come_from_the_hub_with_what_belongs_to_them_and_are_used_without_a_network(
    hub: Hub,
    files: dict[str, bytes],
    tmp_path: Path,
    no_network: Callable[[], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert fetch(PLACE) == 0
    folder = tmp_path / "weights" / PLACE
    assert tree(tmp_path / "weights") == {f"{PLACE}/{name}" for name in (*files, "weights.json")}
    assert all((folder / name).read_bytes() == content for name, content in files.items())
    record, sha256 = read_record(folder), hashlib.sha256(files["model.safetensors"]).hexdigest()
    assert record is not None and (record.sha256, record.licence) == (sha256, "apache-2.0")
    assert record.source == f"{hub.url}/{PLACE}/resolve/main/model.safetensors"
    assert sha256 in capsys.readouterr().out
    assert any(f"/resolve/{COMMIT}/config.json" in asked for asked in hub.asked)  # of one revision, both

    no_network()
    encoder = load_encoder(PLACE)
    assert encoder.is_trained and encoder.description == f"{MODEL} with timm's trained weights"
    assert (encoder.mean, encoder.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))  # the weights' own, not timm's 0.5
    assert (encoder.native_size, encoder.interpolation) == (96, "bilinear")
    assert fetch(PLACE) == 0 and "are there already" in capsys.readouterr().out


def test_a_folder_copied_to_another_machine_is_enough(
    hub: Hub, tmp_path: Path, no_network: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetch(MODEL, "--local-dir", str(tmp_path / "stick")) == 0
    (tmp_path / "stick").rename(tmp_path / "mirror")
    monkeypatch.setenv("MT_WEIGHTS", str(tmp_path / "mirror"))
    no_network()
    assert list(names_here()) == [PLACE]
    assert load_encoder(PLACE).width == 64


def test_a_folder_as_the_hubs_own_program_writes_it_is_enough(
    files: dict[str, bytes], tmp_path: Path, no_network: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MT_WEIGHTS", str(tmp_path))
    (tmp_path / PLACE).mkdir(parents=True)
    for name, content in files.items():
        (tmp_path / PLACE / name).write_bytes(content)
    no_network()
    assert load_encoder(PLACE).native_size == 96
    assert main(["fetch", PLACE]) == 0  # writes down what is there
    record = read_record(tmp_path / PLACE)
    assert record is not None and record.sha256 == hashlib.sha256(files["model.safetensors"]).hexdigest()


def test_pictures_are_resized_as_they_were_for_the_weights(hub: Hub) -> None:
    import mt_core as mt
    from mt_core.sdk.blocks import PictureTokenizer

    assert fetch(PLACE) == 0
    suggested = PictureTokenizer.suggested_options(load_encoder(PLACE))
    assert suggested == {"size": 96, "patch": 16, "interpolation": "bilinear"}
    assert "interpolation" not in PictureTokenizer.suggested_options(mt.load_encoder("mt-tiny"))


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_download_that_breaks_off_leaves_nothing(hub: Hub, tmp_path: Path, file: str) -> None:
    hub.cut_at = 100 if file == "config.json" else 5000
    assert fetch(PLACE) == 2
    assert tree(tmp_path) == set()
    hub.cut_at = None
    assert fetch(PLACE) == 0


def test_bytes_that_changed_on_the_way_are_refused(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.damage = True
    assert fetch(PLACE) == 2
    assert tree(tmp_path) == set() and "came with the SHA-256" in capsys.readouterr().err


def test_another_file_than_the_wanted_one_is_refused(hub: Hub, files: dict[str, bytes], tmp_path: Path) -> None:
    sha256 = hashlib.sha256(files["model.safetensors"]).hexdigest()
    assert fetch(PLACE, "--sha256", "0" * 64) == 2 and tree(tmp_path) == set()
    assert fetch(PLACE, "--sha256", sha256) == 0
    assert fetch(PLACE, "--sha256", "0" * 64) == 2  # the one that is there
    assert fetch(PLACE, "--sha256", "no hash") == 2


def test_weights_that_change_in_their_folder_are_refused(hub: Hub, tmp_path: Path) -> None:
    assert fetch(PLACE) == 0
    path = tmp_path / "weights" / PLACE / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(FingerprintError, match="is not the file that was fetched") as caught:
        load_encoder(PLACE)
    assert f"mt fetch {PLACE}" in caught.value.fix


@pytest.mark.parametrize("lost", ["mean", "std", "interpolation", "input_size"])
def test_what_belongs_to_weights_is_not_guessed(hub: Hub, tmp_path: Path, lost: str) -> None:
    config = json.loads(hub.files["config.json"])
    del config["pretrained_cfg"][lost]
    hub.files["config.json"] = json.dumps(config).encode()
    assert fetch(PLACE) == 2 and tree(tmp_path) == set()
    hub.files["config.json"] = json.dumps({**config, "pretrained_cfg": PREPROCESSING}).encode()
    assert fetch(PLACE) == 0
    (tmp_path / "weights" / PLACE / "config.json").write_text(json.dumps(config))
    with pytest.raises(EncoderError, match=f"does not say what pictures.*{lost}"):
        load_encoder(PLACE)


def test_a_way_of_resizing_that_nobody_has_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.files["config.json"] = hub.files["config.json"].replace(b"bilinear", b"lanczos")
    assert fetch(PLACE) == 2 and tree(tmp_path) == set()


def test_weights_of_another_architecture_are_refused(hub: Hub, tmp_path: Path) -> None:
    hub.files["model.safetensors"] = save({"blocks.0.attn.qkv.weight": torch.zeros(3)})
    assert fetch(PLACE) == 2 and tree(tmp_path) == set()


@pytest.mark.usefixtures("restricted")
def test_a_licence_that_restricts_is_accepted_once_and_remembered(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str], no_network: Callable[[], None]
) -> None:
    with pytest.raises(EncoderError, match=r"cc-by-nc-4\.0, which restricts") as caught:
        load_encoder(PLACE)  # which would have gone to the hub
    assert f"mt fetch {PLACE} --accept-license" in caught.value.fix
    assert fetch(PLACE) == 2 and "restricts their use" in capsys.readouterr().err
    assert hub.asked == [] and tree(tmp_path) == set()
    assert fetch(PLACE, "--accept-license") == 0
    record = read_record(tmp_path / "weights" / PLACE)
    assert record is not None and record.is_accepted and record.licence == "cc-by-nc-4.0"
    no_network()
    assert load_encoder(PLACE).is_trained


@pytest.mark.usefixtures("restricted")
def test_restricted_weights_that_were_copied_have_to_be_accepted_too(
    hub: Hub, files: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "weights" / PLACE
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with pytest.raises(EncoderError, match="restricts"):
        load_encoder(PLACE)
    assert fetch(PLACE, "--accept-license") == 0 and hub.asked == []
    assert load_encoder(PLACE).is_trained


def test_weights_of_a_web_server_get_a_name_of_ones_own(
    hub: Hub, tmp_path: Path, no_network: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"{hub.url}/some/where/model.safetensors"
    assert fetch(url) == 2 and "--as NAME" in capsys.readouterr().err
    assert fetch(PLACE, "--as", "lab/own") == 2
    assert fetch(url, "--as", "lab/own") == 2 and "without a known licence" in capsys.readouterr().err
    assert fetch(url, "--as", "timm/own", "--licence", "MIT") == 2
    assert fetch(url, "--as", "../own", "--licence", "MIT") == 2
    assert fetch(url, "--as", "lab/own", "--licence", "MIT") == 0
    no_network()
    assert main(["info", "lab/own"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "licence mit" in told and f"source {url}" in told and "resized by bilinear" in told
    with pytest.raises(EncoderError, match="did you mean lab/own"):
        load_encoder("lab/onw")


def test_a_web_server_without_the_configuration_or_the_whole_file_is_refused(hub: Hub, tmp_path: Path) -> None:
    url, own = f"{hub.url}/model.safetensors", ("--as", "lab/own", "--licence", "mit")
    hub.cut_at = 5000
    assert fetch(url, *own) == 2 and tree(tmp_path) == set()
    hub.cut_at = None
    del hub.files["config.json"]
    assert fetch(url, *own) == 2 and tree(tmp_path) == set()


def test_a_hub_that_does_not_answer_is_told_with_the_way_by_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    assert fetch(PLACE, "--local-dir", str(tmp_path)) == 2
    told = capsys.readouterr().err
    assert "does not answer" in told and "MT_WEIGHTS=FOLDER" in told and tree(tmp_path) == set()


def test_a_record_that_cannot_be_understood_is_refused(hub: Hub, tmp_path: Path) -> None:
    assert fetch(PLACE) == 0
    (tmp_path / "weights" / PLACE / "weights.json").write_text('{"name": 3}')
    with pytest.raises(EncoderError, match=r"weights\.json cannot be understood"):
        load_encoder(PLACE)


def test_the_list_has_what_is_bundled_what_was_fetched_and_what_could_be(
    hub: Hub, files: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch", PLACE, "--quiet"]) == 0
    capsys.readouterr()
    assert main(["encoders", "--json"]) == 0
    listed = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert listed["mt-tiny"]["state"] == "bundled" and listed["mt-tiny"]["native_size"] == 64
    fetched = listed[PLACE]
    assert fetched["state"] == "folder" and fetched["licence"] == "apache-2.0" and fetched["native_size"] == 96
    assert fetched["sha256"] == hashlib.sha256(files["model.safetensors"]).hexdigest()
    assert fetched["bytes"] == len(files["model.safetensors"])
    paper = listed["timm/vit_base_patch16_clip_224.laion2b"]
    assert (paper["state"], paper["licence"], paper["native_size"]) == ("to fetch", "apache-2.0", 224)
    assert 340e6 < paper["bytes"] < 350e6 and paper["source"] == "hub: timm/vit_base_patch16_clip_224.laion2b"
    asked = len(hub.asked)
    assert main(["encoders", "patch16_224.mae"]) == 0
    told = capsys.readouterr().out
    assert "cc-by-nc-4.0 *" in told and "mt-tiny" not in told and len(hub.asked) == asked


def test_the_list_says_what_is_wrong_with_weights_in_the_folder(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(PLACE) == 0
    (tmp_path / "weights" / PLACE / "model.safetensors").write_bytes(b"short")
    assert main(["encoders", "r160"]) == 0
    assert "is not the file that was fetched: 5 bytes" in capsys.readouterr().out


def test_weights_in_the_hubs_cache_are_listed_with_their_hash(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blob = tmp_path / ("a" * 64)
    blob.write_bytes(b"0" * 1000)
    monkeypatch.setenv("MT_WEIGHTS", str(tmp_path / "none"))
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda place, file: str(blob))
    assert main(["encoders", "--json", "r160_in1k"]) == 0
    listed = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert (listed[PLACE]["state"], listed[PLACE]["sha256"], listed[PLACE]["bytes"]) == ("cache", "a" * 64, 1000)
