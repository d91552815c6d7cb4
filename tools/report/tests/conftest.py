"""Small runs of every task, on an encoder of one block, and their reports."""

from __future__ import annotations

import csv
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

import mt_core as mt
from mt_core.contract import Multilabel, Retrieval
from mt_core.encoder import load_encoder
from mt_core.encoder.plain_vit import build_vit
from mt_core.encoder.random_weights import draw_weights
from mt_report import write_report

FETCHED = ("src", "srcset", "data", "poster", "xlink:href", "background", "action")
"""Attributes whose address a browser fetches; `href` as well, of everything but a link that a reader follows."""


class Elements(HTMLParser):
    """The elements of a page, with their attributes and the text within."""

    VOID = ("meta", "img", "br", "link", "input")

    def __init__(self, text):
        super().__init__()
        self.found, self._open = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "attrs": dict(attrs), "text": "", "inner": []}
        self.found.append(element)
        for outer in self._open:
            outer["inner"].append(element)
        if tag not in self.VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        element = {"tag": tag, "attrs": dict(attrs), "text": "", "inner": []}
        self.found.append(element)
        for outer in self._open:
            outer["inner"].append(element)

    def handle_endtag(self, tag):
        while self._open and self._open.pop()["tag"] != tag:
            pass

    def handle_data(self, data):
        for element in self._open:
            element["text"] += data

    def of(self, tag):
        return [element for element in self.found if element["tag"] == tag]


def loaded_from_outside(text):
    """What the page makes a browser fetch."""
    found = []
    for element in Elements(text).found:
        for name, value in element["attrs"].items():
            is_fetched = name in FETCHED or (name == "href" and element["tag"] != "a")
            if is_fetched and not (value or "").startswith("data:"):
                found.append(value)
            if name == "href" and element["tag"] == "a" and not value.startswith("#"):
                found.append(value)
    return found + re.findall(r"url\([^)]*\)|@import[^;]*|<script", text)


def rows_of(text, caption):
    """The cells of the table that is labelled so, row by row."""
    (region,) = (
        each
        for each in Elements(text).found
        if each["attrs"].get("role") == "region" and each["attrs"]["aria-label"] == caption
    )
    rows = [element for element in region["inner"] if element["tag"] == "tr"]
    return [[cell["text"] for cell in row["inner"] if cell["tag"] in ("th", "td")] for row in rows]


@pytest.fixture(scope="session")
def encoder(tmp_path_factory):
    """An encoder of one block, 192 wide."""
    vit = build_vit("vit_tiny_patch16_224", depth=1)
    tensors = vit.state_dict()
    draw_weights(tensors, 0)
    path = tmp_path_factory.mktemp("encoder") / "one.safetensors"
    save_file(tensors, path)
    return load_encoder(path)


def write_table(path, target, names, rows):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*names, target])
        writer.writerows(rows)
    return path


def pictures(count, seed):
    """(H, W, 3) 8-bit with a bright square; its place and the picture's level."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        pixels = random.integers(0, 90, (32, 32, 3)).astype(np.uint8)
        left, top = random.integers(2, 20, 2)
        pixels[top : top + 10, left : left + 10] = (220, 60, 60)
        yield pixels, int(left), int(top)


def classification(folder, encoder):
    random = np.random.default_rng(0)
    rows = [(f"{a:.3f}", f"{b:.3f}", ("no", "yes")[int(a + b > 0)]) for a, b in random.normal(size=(90, 2))]
    data = write_table(folder / "signs.csv", "answer", ("a", "b"), rows)
    return mt.load("tabular", encoder=encoder, purpose="train"), data, {"data_options": {"target": "answer"}}


def regression(folder, encoder):
    random = np.random.default_rng(1)
    rows = [(f"{a:.3f}", f"{b:.3f}", f"{3 * a + b:.3f}") for a, b in random.normal(size=(90, 2))]
    data = write_table(folder / "price.csv", "price", ("a", "b"), rows)
    return mt.load("tabular", encoder=encoder, purpose="train"), data, {"data_options": {"target": "price"}}


def forecasting(folder, encoder):
    steps = np.arange(400)
    lines = [f"{np.sin(t / 4):.3f},{np.cos(t / 6):.3f}" for t in steps]
    data = folder / "waves.csv"
    data.write_text("\n".join(["sine,cosine", *lines]))
    options = {"lookback": 24, "horizon": 6, "window_stride": 4}
    return mt.load("timeseries", encoder=encoder, purpose="train", lookback=24), data, {"data_options": options}


def segmentation(folder, encoder):
    for number, (pixels, left, top) in enumerate(pictures(20, 2)):
        mask = np.zeros((32, 32), np.uint8)
        mask[top : top + 10, left : left + 10] = 1
        for name, content in (("images", pixels), ("masks", mask)):
            (folder / "squares" / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(content).save(folder / "squares" / name / f"{number:02d}.png")
    model = mt.load("image", encoder=encoder, purpose="train", labels="pixels", size=32)
    return model, folder / "squares", {}


def multilabel(folder, encoder):
    shown = list(pictures(36, 3))
    task = Multilabel(labels=("left", "top"))
    targets = [[float(left < 11), float(top < 11)] for _, left, top in shown]
    model = mt.load("image", encoder=encoder, purpose="train", size=32)
    return model, [pixels for pixels, _, _ in shown], {"targets": targets, "task": task}


def retrieval(folder, encoder):
    shown = [pixels for pixels, _, _ in pictures(36, 4)]
    for number, pixels in enumerate(shown):
        pixels[:4] = 40 * (number % 6)
    task = Retrieval(identities=tuple("abcdef"))
    model = mt.load("image", encoder=encoder, purpose="train", size=32)
    return model, shown, {"targets": [(number % 6, 0, 0) for number in range(36)], "task": task}


def detection(folder, encoder):
    """YOLO: a square of one class, and in every other picture a smaller one of another."""
    (folder / "data.yaml").write_text("names: [large, small]\n")
    for number, (pixels, left, top) in enumerate(pictures(12, 5)):
        lines = [f"0 {(left + 5) / 32} {(top + 5) / 32} {10 / 32} {10 / 32}"]
        if number % 2:
            pixels[1:5, 1:5] = (60, 220, 60)
            lines.append(f"1 {3 / 32} {3 / 32} {4 / 32} {4 / 32}")
        for name in ("images", "labels"):
            (folder / name).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / "images" / f"{number:02d}.png")
        (folder / "labels" / f"{number:02d}.txt").write_text("\n".join(lines))
    model = mt.load("image", encoder=encoder, purpose="train", labels="boxes", size=32, across=1)
    return model, folder, {"head": {"convs": 1}, "val_fraction": 0.4, "test_fraction": 0.4}


def scenes(folder, encoder):
    """Slopes with boxes on them."""
    random = np.random.default_rng(6)
    for number in range(8):
        ground = random.uniform(0, 10, (400, 2))
        box = np.column_stack([random.uniform(2, 5, (200, 2)), random.uniform(1, 3, 200)])
        points = np.concatenate([np.column_stack([ground, 0.1 * ground[:, 0]]), box])
        rows = [f"{x:.2f},{y:.2f},{z:.2f},{int(at >= 400)}" for at, (x, y, z) in enumerate(points)]
        (folder / f"{number}.csv").write_text("\n".join(["x,y,z,label", *rows]))
    model = mt.load("pointcloud", encoder=encoder, purpose="train", labels="scenes", groups=8, block=5.0)
    options = {"labels": "scenes", "classes": ("ground", "box")}
    return model, folder, {"data_options": options, "val_fraction": 0.3, "test_fraction": 0.3}


def steps(folder, encoder):
    """A series a file, whose load rises while the machine runs."""
    random = np.random.default_rng(7)
    for number in range(7):
        states = (np.arange(240) // 40 + number) % 2
        times = np.datetime64("2024-03-01T00:00") + np.arange(240).astype("timedelta64[m]")
        load = 3 * states + random.normal(0, 0.4, 240)
        rows = [f"{t},{v:.3f},{('idle', 'runs')[c]}" for t, v, c in zip(times, load, states, strict=True)]
        (folder / f"{number}.csv").write_text("\n".join(["time,load,state", *rows]))
    model = mt.load("timeseries", encoder=encoder, purpose="train", labels="steps", lookback=48, patch=8, stride=8)
    options = {"labels": "steps", "label": "state", "lookback": 48, "folds": 7, "fold": 2}
    return model, folder, {"data_options": options, "val_fraction": 0.3}


def sounds(folder, encoder):
    """Noise with tones in it, as Audacity's label tracks say."""
    import soundfile

    random = np.random.default_rng(8)
    for number in range(8):
        samples = random.normal(0, 0.05, 32_000)
        start = 0.3 + 0.1 * (number % 4)
        inside = slice(int(start * 16_000), int((start + 0.8) * 16_000))
        samples[inside] += 0.5 * np.sin(np.arange(inside.stop - inside.start) * 2 * np.pi * 1000 / 16_000)
        soundfile.write(folder / f"{number}.wav", samples, 16_000)
        (folder / f"{number}.txt").write_text(f"{start:.2f}\t{start + 0.8:.2f}\ttone\n")
    return mt.load("audio", encoder=encoder, purpose="train", labels="steps"), folder, {"val_fraction": 0.3}


@pytest.fixture(scope="session")
def trained(encoder, tmp_path_factory):
    """The model of a task, trained for two epochs: `trained("regression")`."""
    made = {}

    def train(task):
        if task not in made:
            folder = tmp_path_factory.mktemp(task)
            model, data, how = globals()[task](folder, encoder)
            how = {"batch_size": 16} | how
            mt.fit(model, data, out=folder / "run", epochs=2, num_workers=0, **how)
            made[task] = model
        return made[task]

    return train


@pytest.fixture(scope="session")
def reported(trained, tmp_path_factory):
    """The report of a task's run and its HTML: `reported("regression")`."""
    made = {}

    def report(task):
        if task not in made:
            written = write_report(trained(task), tmp_path_factory.mktemp("report") / f"{task}.html", num_workers=0)
            made[task] = written, written.file.read_text("utf-8")
        return made[task]

    return report


@pytest.fixture(scope="session")
def html():
    """What a report's HTML is checked with, without a browser."""
    return SimpleNamespace(Elements=Elements, loaded_from_outside=loaded_from_outside, rows_of=rows_of)
