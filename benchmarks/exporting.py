"""What `mt export` writes as ONNX, of every modality in either view and of every kind of head: the table of its README.

    python benchmarks/exporting.py [--only tabular] [--write]

Each model is trained for an epoch on its modality's drawn samples, around an encoder of one block, exported, and held
against the file by ONNX Runtime on its validation samples. What is refused stands there with the reason.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine
from safetensors.torch import save_file

import mt_core as mt
from mt_core.contract import Boxes
from mt_core.encoder import load_encoder
from mt_core.encoder.plain_vit import build_vit
from mt_core.encoder.random_weights import draw_weights
from mt_core.errors import MtError, OptionError
from mt_core.plugins import get
from mt_core.plugins.official import OFFICIAL
from mt_export import export

README = Path(__file__).parents[1] / "tools" / "export" / "README.md"
BEGIN, END = "<!-- exported -->\n", "<!-- /exported -->"


def cases() -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Modality, what is special, options of the tokenizer, settings of the training."""
    for modality in OFFICIAL:
        has_views = "view" in get(modality).tokenizer.Options.model_fields
        yield modality, "tokens" if has_views else "", {"view": "tokens"} if has_views else {}, {}
        if has_views:
            yield modality, "picture", {"view": "picture"}, {}
    for tune in ("knn", "probe", "lora", "full"):
        yield "tabular", f"tune={tune}", {}, {"tune": tune}
    yield "image", "stem=conv", {"stem": "conv", "patch": 8, "size": 32}, {}
    yield "tabular", "regression", {}, {"targets": "numbers"}
    yield "tabular", "multilabel", {}, {"targets": "labels"}
    yield "image", "identities", {"size": 32}, {"targets": "identities"}
    yield "image", "masks", {"size": 32, "labels": "pixels"}, {"targets": "masks"}
    yield "image", "boxes", {"size": 32, "labels": "boxes", "across": 1}, {"targets": "boxes"}
    yield "pointcloud", "scenes", {"labels": "scenes", "block": 4.0}, {"targets": "scenes"}


def data_of(modality: str, targets: str | None) -> tuple[Any, Any]:
    """Training and validation samples: the modality's drawn ones, or others in place of their targets."""
    dataset = get(modality).dataset
    if targets is None:
        return dataset.demo("train", size=12, seed=0), dataset.demo("val", size=6, seed=0)
    from mt_core.data.in_memory import InMemoryDataset, in_memory

    drawn = np.random.default_rng(0)
    if targets in ("masks", "boxes", "identities"):
        pictures = [drawn.integers(0, 256, (32, 32, 3), dtype=np.uint8) for _ in range(18)]
        task, of_pictures = of_each_picture(targets, pictures)
        parts = [InMemoryDataset(pictures[part], of_pictures[part], task) for part in (slice(12), slice(12, 18))]
        return parts[0], parts[1]
    if targets == "scenes":
        clouds = [drawn.uniform(0, 1, (2000, 3)) * (4 + 2 * number, 12, 2) for number in range(18)]
        labels = [(cloud[:, 2] > 1).astype(np.int64) for cloud in clouds]
        task = mt.Segmentation(classes=("low", "high"), of="points")
        parts = [InMemoryDataset(clouds[part], labels[part], task) for part in (slice(12), slice(12, 18))]
        return parts[0], parts[1]
    rows = [{"a": float(a), "b": float(b)} for a, b in drawn.normal(size=(18, 2))]
    of_rows: list[Any] = (
        [row["a"] for row in rows] if targets == "numbers" else [[int(row["a"] > 0), int(row["b"] > 0)] for row in rows]
    )
    whole = in_memory(rows, of_rows)
    parts = [InMemoryDataset(rows[part], whole.targets()[part], whole.task) for part in (slice(12), slice(12, 18))]
    return parts[0], parts[1]


def of_each_picture(targets: str, pictures: list[Any]) -> tuple[Any, list[Any]]:
    """A task, and the target of each picture."""
    if targets == "masks":
        masks = [(picture[..., 0] > 127).astype(np.int64) for picture in pictures]
        return mt.Segmentation(classes=("dark", "bright"), of="pixels"), masks
    if targets == "boxes":
        boxes = Boxes(np.array([[4.0, 4.0, 20.0, 20.0]], np.float32), np.array([0]))
        return mt.Detection(classes=("thing",)), [boxes] * len(pictures)
    return mt.Retrieval(identities=("a", "b", "c")), [(number % 3, number % 2, 0) for number in range(len(pictures))]


def outcome(modality: str, options: dict[str, Any], settings: dict[str, Any], encoder: Path) -> tuple[str, str]:
    """The head's name and the largest difference of an output, or why there is no file."""
    dataset = get(modality).dataset
    settings = dict(settings)
    train, val = data_of(modality, settings.pop("targets", None))
    given: dict[str, Any] = {"encoder": load_encoder(encoder), "purpose": "train"}
    try:
        model = mt.load(modality, **given, **{**dataset.demo_options, **options})
    except OptionError:  # some of the demonstration's options are for tokens
        model = mt.load(modality, **given, **options)
    mt.fit(model, train, val, epochs=1, num_workers=0, batch_size=6, **settings)
    head = type(model.require_head()).__name__
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = export(model, "onnx", Path(folder, "m.onnx"), num_workers=0)
        except MtError as error:
            return head, f"refused: `{error.problem}`"  # as code: a message may hold what Markdown takes for a link
        parity = result.parity
        same = f", same decision for {parity.same_decisions}" if parity.same_decisions is not None else ""
        return head, f"{parity.max_error:.1e} on {parity.samples}{same}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", help="One modality.")
    parser.add_argument("--write", action="store_true", help="Put the table into the README.")
    arguments = parser.parse_args()
    print(machine())
    lines = ["| modality | | head | largest difference from the run |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        vit = build_vit("vit_tiny_patch16_224", depth=1)
        tensors = vit.state_dict()
        draw_weights(tensors, 0)
        encoder = Path(folder, "one.safetensors")
        save_file(tensors, encoder)
        for modality, what, options, settings in cases():
            if arguments.only in (None, modality):
                head, said = outcome(modality, options, settings, encoder)
                lines.append(f"| {modality} | {what} | {head} | {said} |")
                print(lines[-1], flush=True)
    if arguments.write:
        text = README.read_text()
        table = "\n".join(lines)
        README.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{table}\n\n{END}", text, flags=re.DOTALL))


if __name__ == "__main__":
    main()
