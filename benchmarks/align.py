"""How well mt align brings modalities together: names of classes against a supervised probe on the same features, and
photos with captions by the number of photos.

    MT_DATA=... python benchmarks/align.py fsdd commands cifar10 fsdd-unseen cifar10-unseen flickr8k
    MT_DATA=... python benchmarks/align.py --choose fsdd cifar10 flickr8k   # settings, by rows held out of training
    python benchmarks/align.py --page                                       # the table and the figure of docs/align.md

What is measured is kept in benchmarks/results/align.jsonl, and not measured again. Three seeds draw what is held out,
order and weights. The encoder is mt-tiny, views are those of mt embed, and projections alone learn (tune=probe).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from align_datasets import NAMED, PHOTOS, Sample, flickr8k, write_rows
from align_page import RESULTS, write_page
from evidence_datasets import data_folder
from evidence_records import Key, Line, Metric, Records, hash_of, resampled_metric
from machine import machine
from torch import Tensor

import mt_core as mt
from mt_core.embedding.pooling import for_pooling
from mt_core.model import MetaTransformer
from mt_core.training.features import pooled_features
from mt_core.training.probe import solutions
from mt_fusion import align
from mt_fusion.aligning.reading import Samples
from mt_fusion.aligning.recall import NEAREST, chance
from mt_fusion.aligning.zeroshot import Classes

SEEDS = (0, 1, 2)
SETTINGS: dict[str, Any] = {"tune": "probe"}
TRIED: tuple[dict[str, Any], ...] = (
    {},
    {"dropout": 0.5},
    {"hidden": 512},
    {"loss": "sigmoid"},
)


def features_of(model: MetaTransformer, sources: Sequence[Any]) -> Tensor:
    """(n, P) pooled features, from the feature cache where they are there."""
    head: Any = model.head
    pool = head.options.pool if head is not None else for_pooling(model)[1]
    vectors, _ = pooled_features(
        model if head is not None else for_pooling(model)[0],
        Samples(sources, torch.arange(len(sources)), "samples"),
        pool,
        precision="32",
        skip_unreadable=False,
        show_progress=False,
        failed=[],
        batch_size=64,
        num_workers=0,
    )
    return vectors


def vectors_of(run: Path, sources: Sequence[Any]) -> Tensor:
    """(n, E) as mt embed gives them."""
    model = mt.load_run(run)
    head: Any = model.head
    with torch.inference_mode():
        vectors: Tensor = head.unit(head.from_pooled(features_of(model, sources)))
    return vectors


def aligned(samples: Sequence[Sample], modality: str, seed: int, scratch: Path, settings: dict[str, Any]) -> Any:
    """A run on the rows of train and val."""
    table = scratch / "rows.csv"
    write_rows(samples, table)
    settings = {**SETTINGS, **settings, "seed": seed, "num_workers": 0}
    return align(table, f"sample={modality},text=text", scratch / "run", settings, overwrite=True)


def probed(samples: Sequence[Sample], modality: str, classes: Sequence[str]) -> Tensor:
    """The class of each test sample, by logistic regression on the same features; its penalty is chosen on val."""
    model, pool = for_pooling(mt.load(modality))
    parts = {part: [s for s in samples if s.part == part] for part in ("train", "val", "test")}
    vectors = {part: features_of(mt.load(modality), [s.path for s in own]) for part, own in parts.items()}
    targets = {part: torch.tensor([classes.index(s.text) for s in own]) for part, own in parts.items()}
    head = model.attach_head(mt.Classification(classes=tuple(classes)), None, pool=pool)
    best, answers = -1.0, torch.empty(0)
    for _ in solutions(head, vectors["train"], targets["train"]):
        right = float((head.from_pooled(vectors["val"]).argmax(1) == targets["val"]).double().mean())
        if right > best:
            best, answers = right, head.from_pooled(vectors["test"]).argmax(1)
    return answers


def accuracy(answers: Tensor, truth: Tensor, groups: Sequence[str] | None) -> Metric:
    right = (answers == truth).double().numpy()
    return resampled_metric(lambda rows: 100 * right[rows].mean(), len(right), groups)


def measure_named(name: str, seed: int, records: Records, scratch: Path) -> None:
    dataset = NAMED[name]
    samples = dataset.samples(data_folder(), seed)
    test = [sample for sample in samples if sample.part == "test"]
    classes = sorted({sample.text for sample in test})
    truth = torch.tensor([classes.index(sample.text) for sample in test])
    groups = [s.group for s in test] if len({s.group for s in test}) > 10 else None
    for arm in ("names", *(() if name.endswith("unseen") else ("probe",))):
        key = key_of(name, arm, seed, None, samples)
        if records.find(key) is not None:
            continue
        began = time.monotonic()
        if arm == "names":
            aligned(samples, dataset.modality, seed, scratch, {})
            found = Classes(scratch / "run", "sample", classes)
            vectors = vectors_of(scratch / "run/sample", [sample.path for sample in test])
            answers = found.probabilities(vectors).argmax(1)
        else:
            answers = probed(samples, dataset.modality, classes)
        about = {"classes": len(classes), "held_out": dataset.held_out}
        metrics = {"accuracy": accuracy(answers, truth, groups)}
        num_train = sum(sample.part == "train" for sample in samples)
        records.add(Line(key, metrics, num_train, len(test), time.monotonic() - began, about))
        print(f"{name} seed {seed} {arm}: {metrics['accuracy'].value:.1f} of {len(test)}", flush=True)


def measure_photos(seed: int, records: Records, scratch: Path) -> None:
    for photos in PHOTOS:
        samples = flickr8k(data_folder(), seed, photos)
        key = key_of("flickr8k", "names", seed, photos, samples)
        if records.find(key) is not None:
            continue
        began = time.monotonic()
        aligned(samples, "image", seed, scratch, {})
        test = [sample for sample in samples if sample.part == "test"]
        files = sorted({sample.path for sample in test})
        photo_NE = vectors_of(scratch / "run/sample", files)
        text_ME = vectors_of(scratch / "run/text", [{"text": sample.text} for sample in test])
        linked_NM = torch.tensor([[sample.path == file for sample in test] for file in files])
        metrics, about = {}, {}
        for direction, (first, second, linked) in {
            "photo to caption": (photo_NE, text_ME, linked_NM),
            "caption to photo": (text_ME, photo_NE, linked_NM.T),
        }.items():
            similar = first @ second.T
            rank = (similar > similar.masked_fill(~linked, -torch.inf).amax(1, keepdim=True)).sum(1)
            for nearest in NEAREST:
                found = (rank < nearest).double().numpy()
                groups = None if len(found) == len(files) else [sample.group for sample in test]
                metrics[f"{direction} recall@{nearest}"] = resampled_metric(
                    lambda rows, found=found: 100 * found[rows].mean(), len(found), groups
                )
            about[direction] = {name: round(100 * value, 2) for name, value in chance(linked).items()}
        records.add(Line(key, metrics, photos * 4, len(test), time.monotonic() - began, about))
        print(f"flickr8k seed {seed}, {photos} photos: " + ", ".join(f"{n} {m.value:.1f}" for n, m in metrics.items()))


def key_of(name: str, arm: str, seed: int, labels: int | None, samples: Sequence[Sample]) -> Key:
    content = [(s.path.name, s.path.stat().st_size, s.text, s.part) for s in samples]
    recipe = hash_of({**SETTINGS, "measure": 1} if arm == "names" else {"probe": 1})
    return Key(name, "align", arm, seed, labels, recipe, mt.load_encoder().fingerprint, hash_of(content))


def choose(name: str, scratch: Path) -> None:
    """The score of the rows held out of training, for each of some settings; the test part is not touched."""
    for settings in TRIED:
        scores = []
        for seed in SEEDS[:1]:
            is_named = name in NAMED
            samples = NAMED[name].samples(data_folder(), seed) if is_named else flickr8k(data_folder(), seed, 200)
            result = aligned(samples, NAMED[name].modality if is_named else "image", seed, scratch, settings)
            best = max(each["recall"]["sample to text"]["recall@1"] for each in result.evaluations[1:])
            scores.append(best if is_named else max(each["score"] for each in result.evaluations[1:]))
        print(f"{name} {settings}: {100 * sum(scores) / len(scores):.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*NAMED, "flickr8k", []])
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--page", action="store_true")
    arguments = parser.parse_args()
    records = Records(RESULTS)
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.names:
            if arguments.choose:
                choose(name, Path(folder))
                continue
            for seed in SEEDS:
                if name == "flickr8k":
                    measure_photos(seed, records, Path(folder))
                else:
                    measure_named(name, seed, records, Path(folder))
    if arguments.page:
        write_page(records)
    print(machine())


if __name__ == "__main__":
    main()
