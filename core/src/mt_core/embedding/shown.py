"""What the encoder sees of samples, as a PNG for people to look at."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from einops import rearrange
from numpy.typing import NDArray
from torch import Tensor

from mt_core.contract import Tokens
from mt_core.data.batches import encoding
from mt_core.model import MetaTransformer

_LEAST_SIDE = 256  # pixels of a picture in the sheet; small ones are enlarged without smoothing
_GAP = 8
_WHITE = 255


@dataclass(frozen=True)
class Drawn:
    """One sample as its encoder sees it.

    Attributes:
        pictures: (H, W, 3) each.
        kind: "pictures" where the tokenizer draws, "tokens" where its tokens are shown as colours.
        what: How many tokens it has, and of how many pictures.
    """

    pictures: list[NDArray[np.uint8]]
    kind: Literal["pictures", "tokens"]
    what: str


def draw_sample(model: MetaTransformer, item: Mapping[str, Tensor]) -> Drawn:
    """Draw a prepared sample as its encoder sees it.

    A tokenizer that draws (`Tokenizer.draw`) is shown by that; of any other the tokens are shown: one row of colours a
    token, D wide, each value from the least (dark) to the largest (bright) of its sample.
    """
    with encoding(model, "32"):
        batch = {name: tensor.to(model.device) for name, tensor in model.tokenizer.collate([item]).items()}
        pictures_BVCHW = model.tokenizer.draw(batch)
        tokens = model.tokenizer(batch)
    if pictures_BVCHW is None:
        return Drawn([_heat_map(tokens)], "tokens", _describe(tokens, 1, "tokens"))
    pictures = _pixels(pictures_BVCHW[0])
    return Drawn(pictures, "pictures", _describe(tokens, len(pictures), "pictures"))


def as_png(rows: Sequence[Sequence[NDArray[np.uint8]]]) -> bytes:
    """Rows of pictures on white, as the content of a PNG."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(_sheet(rows)).save(content, "PNG")
    return content.getvalue()


def _describe(tokens: Tokens, num_pictures: int, kind: str) -> str:
    num_tokens = int(tokens.real().sum())
    return f"{num_tokens} tokens" + (f" of {num_pictures} picture(s)" if kind == "pictures" else "")


def _pixels(pictures_VCHW: Tensor) -> list[NDArray[np.uint8]]:
    """8-bit (H, W, 3), enlarged; pictures that hold NaN are not there."""
    there = [picture for picture in pictures_VCHW.float().cpu() if bool(picture.isfinite().all())]
    enlarged = []
    for picture_CHW in there:
        times = max(1, _LEAST_SIDE // max(picture_CHW.shape[1:]))
        levels = (picture_CHW.clamp(0, 1) * 255).round().byte().numpy()
        enlarged.append(np.ascontiguousarray(rearrange(levels, "c h w -> h w c").repeat(times, 0).repeat(times, 1)))
    return enlarged


def _heat_map(tokens: Tokens) -> NDArray[np.uint8]:
    """(N * times, D * times, 3) of the real tokens of all views."""
    from matplotlib import colormaps

    values_ND = tokens.values[tokens.real()].float().cpu().numpy()
    low, high = np.percentile(values_ND, [1, 99])
    levels = (values_ND - low) / (high - low or 1)
    coloured: NDArray[np.uint8] = colormaps["viridis"](levels.clip(0, 1), bytes=True)[..., :3]
    return coloured.repeat(max(1, _LEAST_SIDE // len(coloured)), 0).repeat(2, 1)


def _sheet(rows: Sequence[Sequence[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """All pictures on white, one row a sample."""
    heights = [max((len(picture) for picture in row), default=0) + _GAP for row in rows]
    widths = [sum(picture.shape[1] + _GAP for picture in row) for row in rows]
    sheet = np.full((sum(heights) + _GAP, max(widths, default=0) + _GAP, 3), _WHITE, np.uint8)
    top = _GAP
    for row, height in zip(rows, heights, strict=True):
        left = _GAP
        for picture in row:
            sheet[top : top + len(picture), left : left + picture.shape[1]] = picture
            left += picture.shape[1] + _GAP
        top += height
    return sheet
