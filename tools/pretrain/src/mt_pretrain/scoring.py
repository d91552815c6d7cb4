"""What features are worth on real pictures that training never sees.  B pictures, S side, D width, K classes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mt_core.contract import Classification, ModalityDataset
from mt_core.data.subsets import hold_out
from mt_core.errors import DatasetError, MissingSplitError, PluginError
from mt_core.plugins import Plugin, get

KNOWN, ASKED = 1000, 500
"""Pictures to know the classes from, and to ask for their class, at the most."""

_NEIGHBOURS, _TEMPERATURE = 20, 0.1
_RIDGES = (1.0, 10.0, 100.0, 1000.0)
_AT_A_TIME = 128


@dataclass(frozen=True)
class Pictures:
    """Labelled pictures, resized.

    Attributes:
        name: How they are called beside a score; no two the same.
        source: Where they come from.
        known, asked: (B, 3, S, S) uint8.
        known_classes, asked_classes: (B,) from 0.
    """

    name: str
    source: str
    known: Tensor
    known_classes: Tensor
    asked: Tensor
    asked_classes: Tensor


def open_pictures(folders: Sequence[str | Path], size: int) -> list[Pictures]:
    """The pictures of some folders; of none, scikit-learn's digits where they and the image plugin are installed.

    Args:
        folders: In a layout that the image plugin knows: a folder a class, with or without a folder a split.
        size: S.

    Raises:
        PluginError: folders, and no image plugin that could read them.
        DatasetError: a folder without two classes, or in no known layout.
        InputError: a picture that cannot be read.
    """
    try:
        plugin = get("image")
    except PluginError:
        if folders:
            raise
        return []
    if folders:
        named = _told_apart([Path(one).resolve() for one in folders])
        return [_read(plugin, name, *_opened(plugin.dataset, one), size) for name, one in named.items()]
    known, asked = plugin.dataset.demo("train", size=KNOWN), plugin.dataset.demo("test", size=ASKED)
    is_real = "(real)" in known.source
    return [_read(plugin, "digits", known, asked, size)] if is_real else []


def _told_apart(folders: Sequence[Path]) -> dict[str, Path]:
    """Each folder by its last name, with those above it that it takes to tell it from the others."""
    different = dict.fromkeys(folders)

    def name(folder: Path) -> str:
        others = [one.parts for one in different if one != folder]
        ends = range(1, len(folder.parts) + 1)
        needed = next(end for end in ends if all(parts[-end:] != folder.parts[-end:] for parts in others))
        return Path(*folder.parts[-needed:]).as_posix()

    return {name(folder): folder for folder in different}


def _opened(dataset: type[ModalityDataset], folder: Path) -> tuple[ModalityDataset, ModalityDataset]:
    known = dataset.open(folder, "train")
    for split in ("test", "val"):
        try:
            return known, dataset.open(folder, split, task=known.task)
        except MissingSplitError:
            continue
    return hold_out(known, 1 / 3, seed=0)


def _read(plugin: Plugin, name: str, known: ModalityDataset, asked: ModalityDataset, size: int) -> Pictures:
    if not isinstance(known.task, Classification) or len(known.task.classes) < 2:
        raise DatasetError(f"{known.source} has no two classes", fix="score on a folder with a folder for each class")
    options = plugin.tokenizer.Options.parse({"size": size, "patch": size})
    tokenizer = plugin.tokenizer(1, options)
    read: list[Tensor] = []
    for dataset, most in ((known, KNOWN), (asked, ASKED)):
        chosen = even_choice(dataset.targets(), most)
        pixels = [tokenizer.prepare(tokenizer.read(dataset[index].sample))["pixels"] for index in chosen]
        as_bytes = [one if one.dtype == torch.uint8 else (255 * one.float()).round().to(torch.uint8) for one in pixels]
        read += [torch.stack(as_bytes), torch.tensor([dataset.targets()[index] for index in chosen])]
    return Pictures(name, known.source, *read)


def even_choice(targets: Sequence[Any], most: int) -> list[int]:
    """The indices of so many samples at the most, of each class as many where there are; always the same ones."""
    order = [index for index, target in enumerate(targets) if target is not None]
    random.Random(0).shuffle(order)
    seen: Counter[Any] = Counter()
    ranked = []
    for index in order:
        seen[targets[index]] += 1
        ranked.append((seen[targets[index]], targets[index], index))
    return sorted(index for _, _, index in sorted(ranked)[:most])


def scores(pictures: Pictures, features: Callable[[Tensor], Tensor]) -> dict[str, float]:
    """`knn` and `probe`: shares of the asked pictures whose class is told from the known ones.

    Args:
        features: Pixels (B, 3, S, S) in [0, 1] to (B, D).
    """
    with torch.inference_mode():
        known, asked = (_in_parts(pixels, features) for pixels in (pictures.known, pictures.asked))
    told = {
        "knn": nearest_classes(known, pictures.known_classes, asked),
        "probe": probed_classes(known, pictures.known_classes, asked),
    }
    return {name: float((classes == pictures.asked_classes).double().mean()) for name, classes in told.items()}


def _in_parts(pixels: Tensor, features: Callable[[Tensor], Tensor]) -> Tensor:
    return torch.cat([features(part.float() / 255).float().cpu() for part in torch.split(pixels, _AT_A_TIME)])


def nearest_classes(known: Tensor, classes: Tensor, asked: Tensor) -> Tensor:
    """(B,) the class that the 20 nearest by the cosine of centred features vote for, each with exp(cosine / 0.1).

    Source: Wu et al. 2018, arXiv:1805.01978, section 3.4.
    """
    middle = known.mean(0)
    known, asked = (functional.normalize(features - middle, dim=1) for features in (known, asked))
    cosine, nearest = (asked @ known.T).topk(min(_NEIGHBOURS, len(known)), dim=1)
    votes = torch.zeros(len(asked), int(classes.max()) + 1)
    return votes.scatter_add_(1, classes[nearest], (cosine / _TEMPERATURE).exp()).argmax(1)


def probed_classes(known: Tensor, classes: Tensor, asked: Tensor) -> Tensor:
    """(B,) the class by ridge regression of standardised features onto the classes; how strongly the weights are
    held back is chosen by leaving one of the known out at a time, in closed form."""
    middle, spread = known.double().mean(0), known.double().std(0) + 1e-6
    known, asked = ((features.double() - middle) / spread for features in (known, asked))
    wanted = functional.one_hot(classes).double()
    base = wanted.mean(0)
    left, sizes, right = torch.linalg.svd(known, full_matrices=False)
    best = (-1.0, asked.new_zeros(len(asked), wanted.shape[1]))
    for ridge in _RIDGES:
        shrunk = sizes.square() / (sizes.square() + ridge)
        fitted = left @ (shrunk[:, None] * (left.T @ (wanted - base)))
        own = (left.square() * shrunk).sum(1, keepdim=True) + 1 / len(known)
        without_it = wanted - (wanted - base - fitted) / (1 - own).clamp_min(1e-6)
        right_share = float((without_it.argmax(1) == classes).double().mean())
        if right_share > best[0]:
            weights = right.T @ ((shrunk / sizes.clamp_min(1e-9))[:, None] * (left.T @ (wanted - base)))
            best = (right_share, asked @ weights + base)
    return best[1].argmax(1)
