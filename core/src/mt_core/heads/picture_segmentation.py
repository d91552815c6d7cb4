"""A class for each pixel of a picture.  B pictures, H, W pixels, R squares, N tokens, D width, K classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field
from torch import Tensor, nn

from mt_core.contract import AnyTask, Features
from mt_core.errors import OptionError
from mt_core.heads.decoder import ConvDecoder, LinearDecoder
from mt_core.heads.dense import DenseHead, DenseOptions, as_runs, shares_in_words
from mt_core.heads.joining import join_squares, join_squares_alike


class PictureSegmentationOptions(DenseOptions):
    """How pixels are labelled."""

    decoder: Literal["conv", "linear"] = Field(
        default="conv",
        description="conv: tokens enlarged in two steps beside a few convolutions over the pixels, for fine edges; "
        "linear: one linear map a token, enlarged: what the features hold by themselves.",
    )
    hidden: int = Field(default=64, ge=8, le=1024, multiple_of=8, description="Channels of the conv decoder.")
    dice: float = Field(
        default=0.5,
        ge=0,
        description="Weight of the Dice loss, which counts classes alike however rare they are, beside cross-entropy.",
    )


class PictureSegmentationHead(DenseHead):
    """Classes of the pixels of pictures, which are looked at in overlapping squares (`DensePictureTokenizer`); scores
    are averaged where squares overlap and given at the picture's own size."""

    Options = PictureSegmentationOptions
    options: PictureSegmentationOptions
    of = "pixels"
    samples_at_once = 4
    sized_by = ("resized", "size")

    def __init__(self, width: int, task: AnyTask, options: PictureSegmentationOptions | None = None) -> None:
        super().__init__(width, task, options)
        self.normalise = nn.LayerNorm(width)
        self.decoder: nn.Module = (
            ConvDecoder(width, task.num_outputs, self.options.hidden)
            if self.options.decoder == "conv"
            else LinearDecoder(width, task.num_outputs)
        )

    def forward(self, features: Features) -> Tensor:
        """(B, H, W, K) logits; NaN behind the pixels of a picture that is smaller than others.

        Raises:
            OptionError: features of a tokenizer that does not label pixels.
        """
        return join_squares(self._of_squares(features), features.side)

    def forward_alike(self, features: Features) -> Tensor:
        """See `Head.forward_alike`."""
        return join_squares_alike(self._of_squares(features), features.side)

    def _of_squares(self, features: Features) -> Tensor:
        """(R, K, S, S)."""
        if "squares" not in features.side or features.grid is None or len(features.grid) != 2:
            raise OptionError(
                "pixels cannot be labelled with these tokens, which do not say where squares of a picture lie",
                fix="make the tokenizer with labels=pixels",
            )
        tokens_RND = self.normalise(features.tokens)
        pixels_RCSS = features.side["pixels"].flatten(0, 1).to(tokens_RND.dtype)
        boxes_R4 = features.side["boxes"].flatten(0, 1)
        scores_RKSS: Tensor = self.decoder(tokens_RND, features.grid, pixels_RCSS, boxes_R4)
        return scores_RKSS

    def decode(self, output: Tensor) -> list[dict[str, Any]]:
        """The likeliest class of each pixel, as runs of equal ones row by row, and the share of the pixels that each
        class has.

        `numpy.repeat(values, lengths).reshape(size)` of `prediction` is the (H, W) mask of class indices.
        """
        decoded = []
        for logits_HWK in output.float().cpu():
            is_there_HW = ~logits_HWK[..., 0].isnan()
            size = [int(is_there_HW.any(1).sum()), int(is_there_HW.any(0).sum())]
            indices = logits_HWK[: size[0], : size[1]].argmax(-1).flatten().numpy()
            decoded.append(as_runs(indices, size, self.classes))
        return decoded

    def format_prediction(self, decoded: Mapping[str, Any]) -> str:
        """The share of the pixels that each class has, the largest first."""
        return shares_in_words(decoded)
