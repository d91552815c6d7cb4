"""The inputs of an exported model: the tensors of a batch, and which of their axes vary.  B samples, N tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mt_core.contract import Tokenizer
from mt_export.errors import ExportError

MASK = "_mask"
"""What the name of a mask ends with, after the name of what it masks (`mt_core.contract.pad_and_stack`)."""

_REPRESENTATIVES = 32
"""Samples of different shapes that are looked at, at most."""

Items = Sequence[Mapping[str, Tensor]]


@dataclass(frozen=True)
class Signature:
    """What the graph is called with.

    Attributes:
        example: A batch with every input in it, for tracing.
        varying: Of each input the axes whose extent is not the same in all batches; 0, the samples', is among them
            where a batch may have several.
        stacked: The inputs with a row for each sample; of others, nodes of graphs for instance, the number varies.
        axes: Of each input the names of axes; those of one name have one extent. {}: tracing finds that out.
        alike: The inputs that are the same for all samples of a batch.
    """

    example: Mapping[str, Tensor]
    varying: Mapping[str, tuple[int, ...]]
    stacked: frozenset[str]
    axes: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    alike: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.example)

    def complete(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The inputs in their order; a mask that a batch has no need of is True everywhere."""
        return {name: batch[name] if name in batch else _all_real(name, batch) for name in self.names}

    def only(self, names: Sequence[str]) -> Signature:
        """The signature with these inputs alone."""
        return Signature(
            {name: self.example[name] for name in self.names if name in names},
            {name: self.varying[name] for name in self.names if name in names},
            self.stacked.intersection(names),
            {name: axes for name, axes in self.axes.items() if name in names},
            self.alike.intersection(names),
        )


def signature_of(tokenizer: Tokenizer, items: Items) -> Signature:
    """The inputs of a tokenizer, found from batches of its own: what differs between them may differ.

    Args:
        items: Prepared samples, at least one.

    Raises:
        ExportError: batches that have an input or have it not, and it is no mask.
    """
    chosen = _of_different_shapes(items)
    example = tokenizer.collate(chosen)
    parts = [*([item] for item in chosen), chosen[:2], chosen]
    batches = [tokenizer.collate(part) for part in parts]
    for batch in batches:
        for name in example.keys() ^ batch.keys():
            if not name.endswith(MASK):
                raise ExportError(
                    f"{type(tokenizer).__name__} puts {name!r} into some batches only, and a graph has the same inputs "
                    "always",
                    fix="let its collate give it always, or only as a mask whose name ends in _mask",
                )
    complete = Signature(example, {}, frozenset()).complete
    shapes = {name: [complete(batch)[name].shape for batch in batches] for name in example}
    return Signature(
        example,
        {
            name: tuple(axis for axis, sizes in enumerate(zip(*of, strict=True)) if len(set(sizes)) > 1)
            for name, of in shapes.items()
        },
        frozenset(name for name, of in shapes.items() if [shape[0] for shape in of] == [len(part) for part in parts]),
    )


def signature_of_alike(tokenizer: Tokenizer, items: Items, sized_by: Sequence[str]) -> Signature:
    """The same of batches of samples that are equal in what `Head.sized_by` names. The number of views varies whether
    or not it does among these samples: what has a row for each view is what has so many rows, of two axes or more."""
    item = items[0]
    with torch.no_grad():
        views = tokenizer(tokenizer.collate([item])).views
    by_view = {name for name, tensor in item.items() if tensor.ndim > 1 and len(tensor) == views}
    # twice all views: tracing takes an extent of 1 for one that never changes
    doubled = {name: torch.cat([tensor] * 2) if name in by_view else tensor for name, tensor in item.items()}
    example = tokenizer.collate([doubled] * 2)
    axes = {name: {0: "batch", 1: "views"} if name in by_view else {0: "batch"} for name in example}
    return _named(example, axes, frozenset(sized_by))


def signature_of_scene(tokenizer: Tokenizer, item: Mapping[str, Tensor], sized_by: Sequence[str]) -> Signature:
    """The same of one scene a batch, as `SceneSegmentationHead` takes it: blocks, the tokens of a block and the places
    of all blocks vary."""
    with torch.no_grad():
        tokens = tokenizer(tokenizer.collate([item]))
    axes: dict[str, dict[int, str]] = {}
    for name, tensor in item.items():
        if name in _OF_PLACES:
            axes[name] = {1: "places"}
        elif name in sized_by:
            axes[name] = {}
        else:
            is_of_tokens = tensor.ndim > 1 and tensor.shape[1] == tokens.values.shape[1]
            axes[name] = {1: "blocks", 2: "tokens"} if is_of_tokens else {1: "blocks"}
    # as above: no extent of 1
    doubled = {
        name: tensor.repeat([2 if axis + 1 in axes[name] else 1 for axis in range(tensor.ndim)])
        for name, tensor in item.items()
    }
    return _named(tokenizer.collate([doubled]), axes, frozenset())


_OF_PLACES = ("places", "place_values", "index", "weights")
"""What has a row for each place of a scene; all else has one for each block, but for what says how large it is."""


def _named(example: Mapping[str, Tensor], axes: Mapping[str, Mapping[int, str]], alike: frozenset[str]) -> Signature:
    return Signature(example, {name: tuple(of) for name, of in axes.items()}, frozenset(example), axes, alike)


def _of_different_shapes(items: Items) -> list[Mapping[str, Tensor]]:
    """Some samples, of every shape one where there are not too many; at least two."""
    by_shape: dict[tuple[object, ...], Mapping[str, Tensor]] = {}
    for item in items:
        by_shape.setdefault(tuple((name, tuple(tensor.shape)) for name, tensor in item.items()), item)
    chosen = list(by_shape.values())[:_REPRESENTATIVES]
    return chosen if len(chosen) > 1 else [chosen[0], items[1] if len(items) > 1 else chosen[0], chosen[0]]


def _all_real(name: str, batch: Mapping[str, Tensor]) -> Tensor:
    masked = batch[name.removesuffix(MASK)]
    return torch.ones(masked.shape[:2], dtype=torch.bool, device=masked.device)
