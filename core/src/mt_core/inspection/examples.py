"""Some samples of each class, as people look at them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from mt_core.contract import Classification, Example, ModalityDataset
from mt_core.data.reading import read_sample
from mt_core.embedding.sample_pictures import SampleViewer, Seen
from mt_core.errors import MtError
from mt_core.inspection.data_check import sample_name
from mt_core.inspection.own_pictures import own_picture
from mt_core.model import MetaTransformer

MOST_CLASSES = 40
A_CLASS = 4


def examples_of(
    model: MetaTransformer, part: ModalityDataset, *, a_class: int = A_CLASS, seed: int = 0
) -> Iterator[tuple[str, list[tuple[str, Seen]]]]:
    """By class, names and samples that were drawn by the seed; where there are no classes, some of all under ""."""
    viewer, draw = SampleViewer(model), random.Random(seed)
    for name, positions in _by_class(part):
        shown = sorted(draw.sample(positions, min(a_class, len(positions))))
        yield name, [(sample_name(part, position), seen_of(viewer, part, position)) for position in shown]


def _by_class(part: ModalityDataset) -> Iterator[tuple[str, Sequence[int]]]:
    if not isinstance(part.task, Classification):
        yield "", range(len(part))
        return
    members: dict[int, list[int]] = {}
    for position, target in enumerate(part.targets()):
        if target is not None and target >= 0:
            members.setdefault(int(target), []).append(position)
    for index in sorted(members)[:MOST_CLASSES]:
        yield part.task.classes[index], members[index]


def seen_of(viewer: SampleViewer, part: ModalityDataset, position: int) -> Seen:
    """One sample, as it was read and is labelled where it is a picture."""
    try:
        example: Example = part[position]
        sample = read_sample(viewer.model.tokenizer, example.sample)
        picture = own_picture(sample, example.target, part.task)
        return viewer.see(sample) if picture is None else Seen(picture=picture)
    except MtError as error:
        return Seen(note=f"cannot be read: {error.problem}")
