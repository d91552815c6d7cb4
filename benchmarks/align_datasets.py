"""What mt align is measured on: files with names of classes, and photos with captions, each in three parts by seed."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
UNSEEN = 3
"""Classes that training does not have, where names never seen are asked for."""


@dataclass(frozen=True)
class Sample:
    """A file with its text, in one of the parts train, val and test; `group` is what is resampled together."""

    path: Path
    text: str
    part: str
    group: str = ""


@dataclass(frozen=True)
class Named:
    """Files of classes with names.

    Attributes:
        samples: Of a data folder and a seed.
        held_out: What the test part has that training has not, for people.
    """

    modality: str
    samples: Callable[[Path, int], list[Sample]]
    held_out: str


def fsdd(root: Path, seed: int) -> list[Sample]:
    """Free Spoken Digit Dataset: three of the six speakers to learn from, one to choose by, two to test."""
    files = sorted((root / "audio/free-spoken-digit-dataset/recordings").glob("*.wav"))
    speakers = sorted({file.stem.split("_")[1] for file in files})
    turned = speakers[2 * seed :] + speakers[: 2 * seed]
    parts = dict(zip(turned, ("test", "test", "val", "train", "train", "train"), strict=True))
    cut = [file.stem.split("_") for file in files]
    return [
        Sample(file, WORDS[int(digit)], parts[speaker], speaker)
        for file, (digit, speaker, _) in zip(files, cut, strict=True)
    ]


def commands(root: Path, seed: int) -> list[Sample]:
    """Speech Commands, by its official lists; speakers are apart."""
    folder = root / "audio/speech_commands_v0.01"
    parts = {
        name: part
        for part, listed in (("val", "validation_list.txt"), ("test", "testing_list.txt"))
        for name in (folder / listed).read_text().split()
    }
    files = sorted(folder.glob("*/*.wav"))
    return [
        Sample(f, f.parent.name, parts.get(f"{f.parent.name}/{f.name}", "train"), f.name.split("_")[0]) for f in files
    ]


def cifar10(root: Path, seed: int) -> list[Sample]:
    """CIFAR-10, the subset: a fifth of its training pictures to choose by."""
    folder = root / "image/CIFAR-10-images"
    train = sorted((folder / "train").glob("*/*.jpg"))
    val = set(random.Random(seed).sample(train, len(train) // 5))
    return [
        *(Sample(file, file.parent.name, "val" if file in val else "train") for file in train),
        *(Sample(file, file.parent.name, "test") for file in sorted((folder / "test").glob("*/*.jpg"))),
    ]


def unseen(samples: Callable[[Path, int], list[Sample]]) -> Callable[[Path, int], list[Sample]]:
    """Without three classes in training, and with those alone in the test part."""

    def of_seed(root: Path, seed: int) -> list[Sample]:
        found = samples(root, seed)
        order = sorted({sample.text for sample in found})
        hidden = set(random.Random(seed).sample(order, UNSEEN))
        return [sample for sample in found if (sample.text in hidden) == (sample.part == "test")]

    return of_seed


NAMED = {
    "fsdd": Named("audio", fsdd, "two speakers"),
    "commands": Named("audio", commands, "speakers, by the official lists"),
    "cifar10": Named("image", cifar10, "pictures"),
    "fsdd-unseen": Named("audio", unseen(fsdd), "two speakers, three words"),
    "cifar10-unseen": Named("image", unseen(cifar10), "pictures of three classes"),
}

PHOTOS = (25, 50, 100, 200)
"""How many photos are learned from, five captions each; a fifth of them chooses the step."""

TEST_PHOTOS = 100


def flickr8k(root: Path, seed: int, photos: int) -> list[Sample]:
    """Photos with five captions each: 100 to test, and so many of the others to learn from."""
    folder = root / "paired/flickr8k/data"
    with (folder / "captions_train.csv").open(newline="", encoding="utf-8") as file:
        rows = [(row["image"], row["caption"]) for row in csv.DictReader(file)]
    names = sorted({name for name, _ in rows})
    random.Random(seed).shuffle(names)
    part_of = {name: "test" for name in names[:TEST_PHOTOS]}
    for number, name in enumerate(names[TEST_PHOTOS : TEST_PHOTOS + photos]):
        part_of[name] = "val" if number < photos // 5 else "train"
    return [Sample(folder / "images" / name, caption, part_of[name], name) for name, caption in rows if name in part_of]


def write_rows(samples: Sequence[Sample], path: Path) -> None:
    """The rows of train and val, for mt align."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("sample", "text", "split"))
        writer.writerows((s.path, s.text, s.part) for s in samples if s.part != "test")
