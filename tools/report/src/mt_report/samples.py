"""Cards of samples: what is to be seen of each, what is true and what was predicted."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import ModalityDataset, name_of
from mt_core.data.reading import read_sample
from mt_core.data.subsets import Subset
from mt_core.embedding.sample_pictures import GAP, SampleViewer, Seen, encoded
from mt_core.errors import MtError
from mt_core.model import MetaTransformer
from mt_report.text import short

SIDES = (192, 128, 80, 48)
"""Pixels of a picture, the most that a report has room for."""

_MOST_CELLS = 14


@dataclass(frozen=True)
class Card:
    """A sample to be shown.

    Attributes:
        position: In the dataset.
        lines: What is said below it, the first in bold.
        picture: HTML in place of the sample itself, such as a chart; "": the sample is read and drawn.
        is_wide: Whether it needs the whole width.
    """

    position: int
    lines: Sequence[str]
    picture: str = ""
    is_wide: bool = False


class Gallery:
    """Reads samples of a part again and shows them."""

    def __init__(self, model: MetaTransformer, dataset: ModalityDataset, root: str | None = None) -> None:
        self.model, self.dataset, self.root = model, dataset, root
        self.side = SIDES[0]
        self._viewer = SampleViewer(model)
        self._seen: dict[int, tuple[str, Seen]] = {}

    def name(self, position: int) -> str:
        """How a sample is called: the end of its file's path, or its number."""
        try:
            return self._name_of(position, self.dataset[position].sample)
        except MtError:
            return _numbered(self.dataset, position)

    def cards(self, cards: Sequence[Card]) -> str:
        """A list of cards in HTML."""
        return f'<ul class="cards">{"".join(map(self._card, cards))}</ul>'

    def _card(self, card: Card) -> str:
        name, seen = (self.name(card.position), Seen()) if card.picture else self._look(card.position)
        said = "; ".join([name, *card.lines])
        shown = card.picture or _shown(seen, said, self.side)
        first, *others = card.lines or ("",)
        below = "".join(f"<p>{html.escape(line)}</p>" for line in others)
        note = f'<p class="where">{html.escape(seen.note)}</p>' if seen.note else ""
        wide = " wide" if card.is_wide else ""
        return (
            f'<li class="card{wide}">{shown}{note}<p class="is">{html.escape(first)}</p>{below}'
            f'<p class="where">{html.escape(name)}</p></li>'
        )

    def _look(self, position: int) -> tuple[str, Seen]:
        if position not in self._seen:
            self._seen[position] = self._read(position)
        return self._seen[position]

    def _relative(self, name: str) -> str:
        """A file's name below the folder of the data."""
        root = str(self.root) if self.root is not None else ""
        return name.removeprefix(root).lstrip("/\\") if root and name.startswith(root) and name != root else name

    def _name_of(self, position: int, sample: Any) -> str:
        path = sample
        if not isinstance(sample, str | Path):  # a scene, a part of a file, or what was read of one
            path = getattr(sample, "path", None) or getattr(sample, "name", None)
        if isinstance(path, str | Path) and "\n" not in str(path) and not str(path).startswith("<"):
            return short(self._relative(name_of(path)), 60)
        return _numbered(self.dataset, position)

    def _read(self, position: int) -> tuple[str, Seen]:
        name = _numbered(self.dataset, position)
        try:
            example = self.dataset[position]
            name = self._name_of(position, example.sample)
            if len(self.model.tokenizer.inputs) > 1 and isinstance(example.sample, Mapping):
                return name, Seen(cells=tuple((str(key), _as_cell(value)) for key, value in example.sample.items()))
            return name, self._viewer.see(read_sample(self.model.tokenizer, example.sample))
        except MtError as error:
            return name, Seen(note=f"cannot be read: {error.problem}")


def _as_cell(value: Any) -> str:
    """An input of an item: its files, its text or its columns."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {each}" for name, each in value.items())
    parts = value if isinstance(value, list | tuple) else [value]
    return ", ".join(name_of(part) if not isinstance(part, int | float) else str(part) for part in parts)


def _numbered(dataset: ModalityDataset, position: int) -> str:
    """A sample by its place in the part, and in the data that the part is taken from."""
    place = position
    while isinstance(dataset, Subset):
        place, dataset = dataset.indices[place], dataset.whole
    return f"sample {position:,}" + (f" (no. {place:,} of the data)" if place != position else "")


def png_of(seen: Seen, alt: str, side: int) -> str:
    """A picture in HTML, several views of a sample in two rows; "" where there is none."""
    if seen.picture is None:
        return ""
    picture = _in_two_rows(seen.picture)
    height, width = picture.shape[:2]
    side = side if width < 2 * height else side // 2
    form, content = encoded(picture, side)
    data = base64.b64encode(content).decode()
    return f'<img alt="{html.escape(alt, quote=True)}" src="data:image/{form};base64,{data}">'


def _in_two_rows(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Four views, which stand in a row, two by two; any other picture as it is."""
    height, width = picture.shape[:2]
    if width != 4 * height + 3 * GAP:
        return picture
    half = 2 * height + GAP
    between = np.full((GAP, half, 3), 255, np.uint8)
    return np.concatenate([picture[:, :half], between, picture[:, half + GAP :]])


def _shown(seen: Seen, alt: str, side: int) -> str:
    if seen.cells:
        names = seen.cells[:_MOST_CELLS]
        cells = "".join(
            f"<dt>{html.escape(short(name, 24))}</dt><dd>{html.escape(short(value, 24))}</dd>" for name, value in names
        )
        more = len(seen.cells) - len(names)
        return f"<dl>{cells}</dl>" + (f'<p class="where">and {more} columns more</p>' if more else "")
    if seen.text:
        return f"<blockquote>{html.escape(seen.text)}</blockquote>"
    return png_of(seen, alt, side)
