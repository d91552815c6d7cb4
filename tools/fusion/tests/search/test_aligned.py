"""A space of photos and their captions: a text finds photos."""

import csv

import numpy as np
import pytest
from PIL import Image

import mt_core as mt
from mt_fusion import align, build_index, search
from mt_fusion.aligning import run as aligning_run

pytestmark = pytest.mark.slow

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    """A table of 24 pictures with the names of their colours."""
    monkeypatch.setattr(aligning_run, "write_report", lambda *_: None)
    random = np.random.default_rng(0)
    with (tmp_path / "pairs.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("photo", "caption"))
        for number in range(24):
            name = list(COLOURS)[number % 3]
            noisy = np.clip(np.array(COLOURS[name]) + random.normal(0, 60, (32, 32, 3)), 0, 255)
            Image.fromarray(noisy.astype(np.uint8)).save(tmp_path / f"{number:02}-{name}.png")
            writer.writerow((f"{number:02}-{name}.png", name))
    return tmp_path / "pairs.csv"


def quickly(pairs, out, encoder, inputs="photo=image,caption=text", **more):
    settings = {"tune": "probe", "steps": 40, "lr": 0.02, "width": 8, "num_workers": 0}
    return align(pairs, inputs, out, settings, encoder=encoder, device="cpu", **more)


def colours_of(found) -> set[str]:
    return {record["source"].rpartition("-")[2].removesuffix(".png") for record in found}


def test_a_text_finds_photos_of_its_space(pairs, small_encoder_file, tmp_path):
    quickly(pairs, tmp_path / "a", mt.load_encoder(small_encoder_file))
    model = mt.load_run(tmp_path / "a" / "photo", encoder=small_encoder_file)
    photos = sorted(str(path) for path in tmp_path.glob("*.png"))
    vectors = mt.embed_files(model, photos, tmp_path / "v.parquet", num_workers=0).path
    index = build_index(vectors, tmp_path / "i")
    found = search(index, ["red", "blue"], k=4, encoder=small_encoder_file)
    assert [colours_of(records) for records in found] == [{"red"}, {"blue"}]
    assert colours_of(search(index, "green", k=4, query_as="caption", encoder=small_encoder_file)[0]) == {"green"}
    assert search(index, photos[5], k=1, encoder=small_encoder_file)[0][0]["source"] == photos[5]


def test_a_text_that_was_bound_to_vectors_finds_their_photos(pairs, small_encoder_file, tmp_path):
    photos = sorted(str(path) for path in tmp_path.glob("*.png"))
    encoder = mt.load_encoder(small_encoder_file)
    vectors = mt.embed_files(mt.load("image", encoder=encoder), photos, tmp_path / "v.parquet", num_workers=0).path
    quickly(pairs, tmp_path / "c", encoder, "caption=text", anchor=vectors, key="photo")
    index = build_index(vectors, tmp_path / "i")
    run = {"run": tmp_path / "c", "encoder": small_encoder_file}
    assert colours_of(search(index, "red", k=4, **run)[0]) == {"red"}
    assert search(index, photos[5], k=1, **run)[0][0]["source"] == photos[5]
