"""Samples as people look at them: their text, or a picture that their tokenizer draws."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray

from mt_core.contract import Tokenizer
from mt_core.errors import MtError
from mt_core.model import MetaTransformer, make_tokenizer
from mt_core.plugins import get

MOST_CHARACTERS = 600
_MOST_VIEWS = 4
GAP = 4
"""White pixels between the views of a picture."""

_SIDE, _PATCH = 192, 16
_SIZES = (("size", "patch"), ("picture_size", "picture_patch"))  # of mt_core.sdk.blocks, where pictures are drawn


@dataclass(frozen=True)
class Seen:
    """What there is to see of a sample.

    Attributes:
        text: Of it; "" where it is none.
        picture: (H, W, 3) 8-bit; None where there is none.
        note: Why there is neither, or what is to be known of it.
        cells: Names and values of a row of a table, which `text` holds as well; empty where it is none.
    """

    text: str = ""
    picture: NDArray[np.uint8] | None = None
    note: str = ""
    cells: tuple[tuple[str, str], ...] = ()


class SampleViewer:
    """Samples of one model's modality, as people look at them."""

    def __init__(self, model: MetaTransformer) -> None:
        self.model = model

    def see(self, sample: Any) -> Seen:
        """One sample, as `Tokenizer.read` gave it; what cannot be shown is said in the note."""
        try:
            text = self.model.tokenizer.as_text(sample)
            if text is not None:
                cells: tuple[tuple[str, str], ...] = ()
                if isinstance(sample, Mapping):
                    cells = tuple((str(name), str(value)) for name, value in sample.items())
                return Seen(text=shortened(text), cells=cells)
            picture = _draw(self._drawing, sample)
        except MtError as error:
            return Seen(note=f"cannot be shown: {error.problem}")
        return Seen(picture=picture) if picture is not None else Seen(note="cannot be drawn")

    @cached_property
    def _drawing(self) -> Tokenizer:
        """A tokenizer that reads samples as the model's does, and draws them larger, where it has such options."""
        made = self.model.tokenizer
        fields = type(made).Options.model_fields
        larger: dict[str, Any] = {"view": "picture"} if "view" in fields else {}
        for names in _SIZES:
            if set(names) <= set(fields):
                larger.update(zip(names, (_SIDE, _PATCH), strict=True))
        options = {**made.options.model_dump(mode="json"), **larger}
        try:
            plugin = get(self.model.modality)
            drawing = make_tokenizer(plugin.tokenizer, self.model.encoder, options, 0, init_from_encoder=False)
            if calibration := made.calibration():
                drawing.restore(calibration)
        except MtError:
            return made  # options that do not go together
        return drawing


def shortened(text: str, most: int = MOST_CHARACTERS) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def encoded(picture: NDArray[np.uint8], side: int) -> tuple[str, bytes]:
    """A picture of at most so many pixels a side (a row of views: each): png or jpeg, and its bytes."""
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((side * max(1, round(image.width / image.height)), side))
    best: tuple[str, bytes] | None = None
    for kind, options in (("png", {"optimize": True}), ("jpeg", {"quality": 82})):
        content = io.BytesIO()
        image.save(content, kind, **options)
        if best is None or content.tell() < len(best[1]):
            best = (kind, content.getvalue())
    assert best is not None
    return best


def _draw(tokenizer: Tokenizer, sample: Any) -> NDArray[np.uint8] | None:
    """(H, W, 3) the first views of a sample side by side; None: it cannot be drawn."""
    tokenizer.eval()
    with torch.inference_mode():
        batch: Mapping[str, torch.Tensor] = tokenizer.collate([tokenizer.prepare(sample)])
        drawn = tokenizer.draw(batch)
    if drawn is None:
        return None
    views = [view for view in drawn[0].float() if bool(view.isfinite().all())][:_MOST_VIEWS]
    if not views:
        return None
    pixels = [rearrange((view.clamp(0, 1) * 255).round().byte(), "c h w -> h w c").numpy() for view in views]
    gap = np.full((pixels[0].shape[0], GAP, 3), 255, np.uint8)
    return np.concatenate([each for picture in pixels for each in (gap, picture)][1:], axis=1)
