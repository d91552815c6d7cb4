"""What tokens are of, in a modality's own terms and units.  V views a sample, N tokens a view, H, W of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mt_core.contract.panels import Panel, picture_panel
from mt_core.contract.tokens import Tokens
from mt_core.errors import TokensError

Edges = Sequence[float] | NDArray[np.floating]

DATE = "date"
"""The unit of seconds since 1970 that are shown as dates."""


@dataclass(frozen=True)
class Span:
    """A stretch along one axis of a sample.

    Attributes:
        axis: What is measured along it: "time", "wavelength", "x".
        low, high: Its ends.
        unit: "s", "nm", "px"; `DATE` for seconds since 1970; "" for none.
    """

    axis: str
    low: float
    high: float
    unit: str = ""


@dataclass(frozen=True)
class Region:
    """What one token is of. Tokens of equal regions are of the same thing, as the tokens of one word are.

    Attributes:
        name: A word, a column, an atom, a channel; "" where its spans say it all.
        value: What stands there, for people: "39" in the column "age".
        spans: Where it lies.
        panel: The number of the panel that it lies on; -1 for none.
        members: Of a `PointPanel` or `GraphPanel`, the indices of the points or nodes that it is made of.
        source: Of an item of several inputs, the input; else "".
    """

    name: str = ""
    value: str = ""
    spans: tuple[Span, ...] = ()
    panel: int = -1
    members: tuple[int, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class TokenRegions:
    """What all tokens of one sample are of.

    Attributes:
        regions: V * N of them, view after view; of tokens that are not real anything.
        panels: What they are drawn on; without any, their names are listed.
        what: What one is called: "patch", "word", "column".

    Raises:
        TokensError: a region on a panel that there is not.
    """

    regions: tuple[Region, ...]
    panels: tuple[Panel, ...] = ()
    what: str = "token"

    def __post_init__(self) -> None:
        if any(not -1 <= region.panel < len(self.panels) for region in self.regions):
            raise TokensError(
                f"a region lies on a panel that is not among the {len(self.panels)} panels",
                fix="number panels from 0, and give -1 to a region that lies on none",
            )


def default_regions(tokens: Tokens, pictures_BVCHW: Tensor | None = None) -> TokenRegions:
    """Regions of tokens that nothing else is known of.

    Args:
        tokens: Of one sample.
        pictures_BVCHW: What `Tokenizer.draw` gave for it.

    Returns:
        Where each view is a picture and its tokens stand on a lattice of two axes, patches in pixels of what was drawn;
        else tokens with their coordinates, or with their numbers alone.
    """
    rows, num_tokens = tokens.values.shape[:2]
    grid = tokens.grid
    if pictures_BVCHW is not None and pictures_BVCHW.shape[1] == rows and grid is not None and len(grid) == 2:
        drawn = pictures_BVCHW[0].float().cpu().numpy()
        height, width = drawn.shape[2:]
        down, across = np.linspace(0, height, grid[0] + 1), np.linspace(0, width, grid[1] + 1)
        edges = np.arange(width + 1, dtype=np.float64), np.arange(height + 1, dtype=np.float64)
        panels = [
            picture_panel(np.nan_to_num(picture), *edges, _numbered("picture", at, rows))
            for at, picture in enumerate(drawn)
        ]
        patches = [patch for at in range(rows) for patch in lattice_regions(down, across, panel=at)]
        return TokenRegions(tuple(patches), tuple(panels), "patch")
    if tokens.coords is None:
        names = [
            f"token {at}" if rows == 1 else f"view {row}, token {at}" for row in range(rows) for at in range(num_tokens)
        ]
        return TokenRegions(tuple(Region(name) for name in names))
    coords_RNC = tokens.coords.float().cpu().numpy()
    return TokenRegions(
        tuple(
            Region(
                "" if rows == 1 else f"view {row}",
                spans=tuple(
                    Span(f"axis {axis}", float(at), float(at)) for axis, at in enumerate(coords_RNC[row, token])
                ),
            )
            for row in range(rows)
            for token in range(num_tokens)
        )
    )


def lattice_regions(
    down: Edges,
    across: Edges,
    *,
    panel: int = 0,
    axes: tuple[str, str] = ("y", "x"),
    units: tuple[str, str] = ("px", "px"),
    beside: tuple[Span, ...] = (),
) -> list[Region]:
    """The cells of a lattice, row by row.

    Args:
        down, across: Where the cells begin and end along either axis: one number more than there are cells.
        panel: The number of the panel.
        axes, units: Names and units of the axes, down and across.
        beside: Further spans, which all cells have.
    """
    return [
        Region(
            spans=(
                *beside,
                Span(axes[1], float(left), float(right), units[1]),
                Span(axes[0], float(top), float(bottom), units[0]),
            ),
            panel=panel,
        )
        for top, bottom in pairwise(down)
        for left, right in pairwise(across)
    ]


def _numbered(what: str, at: int, count: int) -> str:
    return "" if count == 1 else f"{what} {at + 1} of {count}"
