"""Pictures as they were looked at, put together again, and frames around their objects.  H, W of a picture."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mt_core.contract import ModalityDataset
from mt_core.data.reading import prepare_example
from mt_core.embedding.sample_pictures import encoded
from mt_core.errors import MtError
from mt_core.heads.joining import join_squares
from mt_core.model import MetaTransformer

_TEXT = 11 / 360
"""Height of letters as a share of a picture's width, which is about 300 to 480 pixels on a screen."""

_MOST_NAMED = 12


@dataclass(frozen=True)
class Frame:
    """A box over a picture.

    Attributes:
        box: Left, top, right and bottom in pixels of the picture.
        style: CSS of its line.
        name: Beside it.
        hover: Shown where a pointer rests on it.
        is_dashed: Whether its line is.
    """

    box: Sequence[float]
    style: str
    name: str
    hover: str
    is_dashed: bool = False


def whole_picture(model: MetaTransformer, dataset: ModalityDataset, position: int) -> NDArray[np.uint8] | None:
    """(H, W, 3) a sample that is looked at in squares; None where it cannot be read or drawn."""
    try:
        item, _ = prepare_example(model.tokenizer, dataset[position])
        batch = model.tokenizer.eval().collate([item])
        drawn = model.tokenizer.draw(batch)
        if drawn is None:
            return None
        with torch.inference_mode():
            tokens = model.tokenizer({name: tensor.to(model.device) for name, tensor in batch.items()})
            side = {name: tensor.cpu() for name, tensor in tokens.side.items()}
            picture = join_squares(drawn[0].cpu(), side)[0].numpy()
    except MtError:
        return None
    return np.ascontiguousarray((picture * 255).round().clip(0, 255).astype(np.uint8))


def with_frames(picture: NDArray[np.uint8], frames: Sequence[Frame], description: str, side: int) -> str:
    """A picture under its frames in HTML; the names of many are left to the pointer.

    Args:
        description: What is to be seen, in words.
        side: Pixels of the picture's side in the file.
    """
    height, width = picture.shape[:2]
    form, content = encoded(picture, side)
    data = base64.b64encode(content).decode()
    size = max(width * _TEXT, 1.0)
    marks = []
    for frame in frames:
        left, top, right, bottom = (float(each) for each in frame.box)
        area = (
            f'x="{left:.1f}" y="{top:.1f}" width="{max(right - left, 0.1):.1f}" height="{max(bottom - top, 0.1):.1f}"'
        )
        dash = " dashed" if frame.is_dashed else ""
        marks.append(f'<rect class="frame under" {area}/>')
        hover = f"<title>{html.escape(frame.hover)}</title>"
        marks.append(f'<rect class="data frame{dash}" style="{frame.style}" {area}>{hover}</rect>')
    if len(frames) <= _MOST_NAMED:
        for frame in frames:
            x, y = max(0.0, float(frame.box[0])), float(frame.box[1])
            y = y - 0.3 * size if y > 1.3 * size else y + 1.1 * size
            marks.append(
                f'<text class="named" x="{x:.1f}" y="{y:.1f}" font-size="{size:.1f}" stroke-width="{size / 4:.1f}">'
                f"{html.escape(frame.name)}</text>"
            )
    return (
        f'<svg class="framed" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{html.escape(description, quote=True)}">'
        f'<image class="data" href="data:image/{form};base64,{data}" width="{width}" height="{height}"/>'
        f"{''.join(marks)}</svg>"
    )
