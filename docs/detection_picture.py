"""The picture of docs/detection.md: shapes that were found in drawn pictures which training never saw.

    python docs/detection_picture.py [--pictures 48] [--epochs 40] [--out docs/assets/detection.png]

Red, green and blue discs, squares and triangles on an uneven ground, two to four in a picture, written in YOLO's
layout. The class is the colour. A training of these settings takes two minutes of one core.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import mt_core as mt
from mt_core.sdk.boxes.written import LEAST_SHOWN, with_boxes

SIDE, SHOWN, GAP = 128, 4, 12
CLASSES = {"red": (200, 40, 40), "green": (40, 160, 60), "blue": (50, 70, 200)}
SETTINGS = {"batch_size": 4, "lr": 3e-3, "keep": "last", "num_workers": 0, "head": {"nms": 0.3}}
TOKENIZER = {"labels": "boxes", "across": 2, "overlap": 0.0, "augment": 0.3}
SCALE = 3  # drawn so much larger, for smooth edges


def drawn(draw: np.random.Generator) -> tuple[Image.Image, list[tuple[int, float, float, float, float]]]:
    """A picture, and of each shape its class and its box: left, top, right and bottom."""
    size = SIDE * SCALE
    ground = Image.fromarray(draw.integers(110, 190, (5, 5, 3)).astype(np.uint8)).resize((size, size), 3)
    pencil, found = ImageDraw.Draw(ground), []
    for _ in range(60):
        side = float(draw.uniform(22, 52))
        left, top = draw.uniform(4, SIDE - side - 4, 2).tolist()
        box = (left, top, left + side, top + side)
        if any(_is_near(box, other[1:]) for other in found):
            continue
        kind = int(draw.integers(len(CLASSES)))
        _draw_shape(pencil, tuple(CLASSES.values())[kind], [SCALE * edge for edge in box], int(draw.integers(3)))
        found.append((kind, *box))
        if len(found) == 2 + draw.integers(3):
            break
    noise = draw.normal(0, 6, (SIDE, SIDE, 3))
    pixels = np.asarray(ground.resize((SIDE, SIDE), 1).filter(ImageFilter.GaussianBlur(0.5))) + noise
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), found


def _is_near(box: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(box[at] < other[at + 2] + 4 and other[at] < box[at + 2] + 4 for at in (0, 1))


def _draw_shape(pencil: ImageDraw.ImageDraw, colour: tuple[int, ...], box: list[float], shape: int) -> None:
    left, top, right, bottom = box
    if shape == 0:
        pencil.ellipse(box, fill=colour)
    elif shape == 1:
        pencil.rectangle(box, fill=colour)
    else:
        pencil.polygon([(left, bottom), ((left + right) / 2, top), (right, bottom)], fill=colour)


def write_data(folder: Path, count: int, seed: int) -> None:
    """images/ and labels/, as YOLO has them."""
    draw = np.random.default_rng(seed)
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        picture, found = drawn(draw)
        picture.save(folder / "images" / f"{number:03d}.png")
        rows = [
            f"{kind} {(left + right) / 2 / SIDE} {(top + bottom) / 2 / SIDE} {(right - left) / SIDE} "
            f"{(bottom - top) / SIDE}"
            for kind, left, top, right, bottom in found
        ]
        (folder / "labels" / f"{number:03d}.txt").write_text("\n".join(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=int, default=48)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "assets" / "detection.png")
    arguments = parser.parse_args()
    with TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        write_data(folder / "seen", arguments.pictures, 0)
        write_data(folder / "new", SHOWN, 1)
        model = mt.load("image", purpose="train", **TOKENIZER)
        options = {"labels": "boxes", "classes": tuple(CLASSES)}
        result = mt.fit(model, folder / "seen", data_options=options, epochs=arguments.epochs, **SETTINGS)
        print({name: round(value, 3) for name, value in result.metrics.items()})
        files = sorted((folder / "new" / "images").iterdir())
        sheets = []
        for file, record in zip(files, mt.predict(model, files), strict=True):
            likely = [each for each in record["prediction"] if each["score"] >= LEAST_SHOWN]
            sheets.append(with_boxes(np.asarray(Image.open(file)), likely, model.head.task))
    width, height = sheets[0].size
    joined = Image.new("RGB", (len(sheets) * (width + GAP) - GAP, height), "white")
    for number, sheet in enumerate(sheets):
        joined.paste(sheet, (number * (width + GAP), 0))
    small = joined.resize((1200, round(1200 * joined.height / joined.width)), 1)
    small.quantize(256, kmeans=2).save(arguments.out, optimize=True)  # half of the bytes


if __name__ == "__main__":
    main()
