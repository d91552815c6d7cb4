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

NUM_TRAIN, NUM_TEST = 1000, 500
"""Pictures that classifiers are fitted to, and that are classified, at the most."""

_NEIGHBOURS, _TEMPERATURE = 20, 0.1
_RIDGES = (1.0, 10.0, 100.0, 1000.0)
_BATCH = 128


@dataclass(frozen=True)
class Pictures:
    """Labelled pictures, resized.

    Attributes:
        name: How they are called beside a score; no two the same.
        source: Where they come from.
        train, test: (B, 3, S, S) uint8; classifiers are fitted to the first, and classify the second.
        train_classes, test_classes: (B,) from 0.
    """

    name: str
    source: str
    train: Tensor
    train_classes: Tensor
    test: Tensor
    test_classes: Tensor


def open_pictures(folders: Sequence[str | Path], size: int, modality: str = "image") -> list[Pictures]:
    """The pictures of some folders; of none, the plugin's demonstration, where it is installed and of real pictures.

    Args:
        folders: In a layout that the plugin knows: a folder a class, with or without a folder a split.
        size: S.
        modality: Whose plugin reads them, as RGB.

    Raises:
        PluginError: folders, and no plugin that could read them.
        DatasetError: a folder without two classes, or in no known layout.
        InputError: a picture that cannot be read.
    """
    try:
        plugin = get(modality)
    except PluginError:
        if folders:
            raise
        return []
    if folders:
        named = _short_names([Path(one).resolve() for one in folders])
        return [_read(plugin, name, *_opened(plugin.dataset, one), size) for name, one in named.items()]
    train, test = plugin.dataset.demo("train", size=NUM_TRAIN), plugin.dataset.demo("test", size=NUM_TEST)
    name, is_real, _ = train.source.partition(" (real)")
    return [_read(plugin, name, train, test, size)] if is_real else []


def _short_names(folders: Sequence[Path]) -> dict[str, Path]:
    """Each folder by its last name, with those above it that it takes to tell it from the others."""
    different = dict.fromkeys(folders)

    def name(folder: Path) -> str:
        others = [one.parts for one in different if one != folder]
        ends = range(1, len(folder.parts) + 1)
        needed = next(end for end in ends if all(parts[-end:] != folder.parts[-end:] for parts in others))
        return Path(*folder.parts[-needed:]).as_posix()

    return {name(folder): folder for folder in different}


def _opened(dataset: type[ModalityDataset], folder: Path) -> tuple[ModalityDataset, ModalityDataset]:
    train = dataset.open(folder, "train")
    for split in ("test", "val"):
        try:
            return train, dataset.open(folder, split, task=train.task)
        except MissingSplitError:
            continue
    return hold_out(train, 1 / 3, seed=0)


def _read(plugin: Plugin, name: str, train: ModalityDataset, test: ModalityDataset, size: int) -> Pictures:
    if not isinstance(train.task, Classification) or len(train.task.classes) < 2:
        raise DatasetError(f"{train.source} has no two classes", fix="score on a folder with a folder for each class")
    options = plugin.tokenizer.Options.parse({"size": size, "patch": size})
    tokenizer = plugin.tokenizer(1, options)
    read: list[Tensor] = []
    for dataset, most in ((train, NUM_TRAIN), (test, NUM_TEST)):
        chosen = balanced_subset(dataset.targets(), most)
        pixels = [tokenizer.prepare(tokenizer.read(dataset[index].sample))["pixels"] for index in chosen]
        as_bytes = [one if one.dtype == torch.uint8 else (255 * one.float()).round().to(torch.uint8) for one in pixels]
        read += [torch.stack(as_bytes), torch.tensor([dataset.targets()[index] for index in chosen])]
    return Pictures(name, train.source, *read)


def balanced_subset(targets: Sequence[Any], most: int) -> list[int]:
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
    """The accuracies of two classifiers on features: `knn`, nearest neighbours, and `probe`, ridge regression.

    Args:
        features: Pixels (B, 3, S, S) in [0, 1] to (B, D).
    """
    with torch.inference_mode():
        train, test = (_in_batches(pixels, features) for pixels in (pictures.train, pictures.test))
    predicted = {
        "knn": knn_classes(train, pictures.train_classes, test),
        "probe": ridge_classes(train, pictures.train_classes, test),
    }
    return {name: float((classes == pictures.test_classes).double().mean()) for name, classes in predicted.items()}


def _in_batches(pixels: Tensor, features: Callable[[Tensor], Tensor]) -> Tensor:
    return torch.cat([features(part.float() / 255).float().cpu() for part in torch.split(pixels, _BATCH)])


def knn_classes(train: Tensor, classes: Tensor, test: Tensor) -> Tensor:
    """(B,) the class that the 20 nearest by the cosine of centred features vote for, each with exp(cosine / 0.1).

    Source: Wu et al. 2018, arXiv:1805.01978, section 3.4.
    """
    mean = train.mean(0)
    train, test = (functional.normalize(features - mean, dim=1) for features in (train, test))
    cosine, nearest = (test @ train.T).topk(min(_NEIGHBOURS, len(train)), dim=1)
    votes = torch.zeros(len(test), int(classes.max()) + 1)
    return votes.scatter_add_(1, classes[nearest], (cosine / _TEMPERATURE).exp()).argmax(1)


def ridge_classes(train: Tensor, classes: Tensor, test: Tensor) -> Tensor:
    """(B,) the class by ridge regression of standardised features onto one-hot classes; the penalty is chosen by
    leave-one-out accuracy, in closed form."""
    mean, std = train.double().mean(0), train.double().std(0) + 1e-6
    train, test = ((features.double() - mean) / std for features in (train, test))
    wanted = functional.one_hot(classes).double()
    base = wanted.mean(0)
    left, sizes, right = torch.linalg.svd(train, full_matrices=False)
    best = (-1.0, test.new_zeros(len(test), wanted.shape[1]))
    for ridge in _RIDGES:
        shrunk = sizes.square() / (sizes.square() + ridge)
        fitted = left @ (shrunk[:, None] * (left.T @ (wanted - base)))
        leverage = (left.square() * shrunk).sum(1, keepdim=True) + 1 / len(train)
        left_out = wanted - (wanted - base - fitted) / (1 - leverage).clamp_min(1e-6)
        accuracy = float((left_out.argmax(1) == classes).double().mean())
        if accuracy > best[0]:
            weights = right.T @ ((shrunk / sizes.clamp_min(1e-9))[:, None] * (left.T @ (wanted - base)))
            best = (accuracy, test @ weights + base)
    return best[1].argmax(1)
