"""Three runs that share an encoder."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mt_core as mt
from mt_core.contract import Classification, Example
from mt_core.encoder import load_encoder
from mt_core.training.run import describe_model, save_weights
from mt_core.training.run_record import FORMAT, write_record

ROWS = [{"age": 20 + 3 * at, "town": ("Rome", "Bonn")[at % 2]} for at in range(12)]
TEXTS = [("a fine day", "a grey day")[at % 2] + f" of week {at}" for at in range(12)]
PICTURES = [np.full((32, 32, 3), (30, 220)[at % 2] + at, np.uint8) for at in range(12)]


SAMPLES = {"photos": ("image", PICTURES), "words": ("text", TEXTS), "people": ("tabular", ROWS)}


def run_folder(folder: Path, modality: str, samples: list, encoder) -> Path:
    """A run whose tokenizer and head are as they were drawn."""
    model = mt.load(modality, encoder=encoder, purpose="train")
    model.tokenizer.calibrate([Example(sample) for sample in samples])
    model.attach_head(Classification(classes=("high", "low")))
    folder.mkdir()
    save_weights(model, folder, 1)
    rest = {"recipe": {"tune": "frozen"}, "data": {"source": "samples of a test", "options": None}}
    write_record(folder, {**describe_model(model), **rest, "format": FORMAT, "status": "complete"})
    return folder


@pytest.fixture(scope="session")
def run_folders(tmp_path_factory) -> dict[str, Path]:
    """The runs: "photos" (image), "words" (text) and "people" (tabular)."""
    folder, encoder = tmp_path_factory.mktemp("serve"), load_encoder(None)
    return {name: run_folder(folder / name, *made, encoder) for name, made in SAMPLES.items()}


@pytest.fixture(scope="session")
def runs(run_folders):
    from mt_serve.runs import load_runs

    return load_runs([str(folder) for folder in run_folders.values()])


@pytest.fixture(scope="session")
def client(runs):
    """A server of all three, on default limits."""
    from starlette.testclient import TestClient

    from mt_serve.app import create_app

    with TestClient(create_app(runs), raise_server_exceptions=False) as client:
        yield client


def png(picture: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG")
    return content.getvalue()


@pytest.fixture(scope="session")
def photo() -> bytes:
    return png(PICTURES[0])


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> list[Path]:
    """Eight files."""
    folder = tmp_path_factory.mktemp("photos")
    for at, picture in enumerate(PICTURES[:8]):
        (folder / f"{at}.png").write_bytes(png(picture))
    return [folder / f"{at}.png" for at in range(8)]


@pytest.fixture(scope="session")
def photo_index(runs, photos, tmp_path_factory) -> Path:
    """An index of them, as the run "photos" embeds them."""
    from mt_fusion import build_index

    folder = tmp_path_factory.mktemp("index")
    model = runs.choose("photos").model
    vectors = mt.embed_files(model, list(map(str, photos)), folder / "photos.parquet", num_workers=0).path
    build_index(vectors, folder / "photos.index")
    return folder / "photos.index"


def drain(stream, lines: list[str]) -> None:
    with stream:
        lines += stream


@pytest.fixture
def start(run_folders) -> Iterator:
    """Starts the command with options, and gives the process and its address once it listens; `process.lines` are those
    that it writes, whole when its `stderr` is closed."""
    processes = []

    def started(*options: str) -> tuple[subprocess.Popen[str], str]:
        words = [sys.executable, "-m", "mt_core.cli", "serve", *map(str, run_folders.values()), "--port", "0", *options]
        process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        process.lines = lines = []
        for line in process.stderr:
            lines.append(line)
            if found := re.search(r"at (http://\S+)", line):
                threading.Thread(target=drain, args=(process.stderr, lines), daemon=True).start()
                return process, found[1]
        raise AssertionError("".join(lines))

    yield started
    for process in processes:
        process.kill()
        process.wait()
        while not process.stderr.closed:  # the thread that reads it comes to its end
            time.sleep(0.01)
