"""What a tokenizer may ask of an encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor


@dataclass(frozen=True)
class TokenTable:
    """What makes tokens of the ids of a text, in an encoder that was trained on texts.

    Attributes:
        vocabulary: What the ids are of. "clip": the byte pairs of CLIP; the two last rows are the start and the end of
            a text, between which its ids stand.
        weight: (ids, D) a vector an id.
        positions: (N, D) added to the tokens in their order; no text is longer.
    """

    vocabulary: str
    weight: Tensor
    positions: Tensor


class EncoderSpec(Protocol):
    """What `Tokenizer.init_from_encoder` is given: the encoder's own patch embedding, positions and normalisation.

    An encoder without one of them has None there: the original Meta-Transformer files hold neither patches nor
    positions.
    """

    @property
    def mean(self) -> tuple[float, float, float]:
        """Of RGB in [0, 1], that pictures are normalised with."""
        ...

    @property
    def std(self) -> tuple[float, float, float]:
        """Of RGB in [0, 1], that pictures are normalised with."""
        ...

    @property
    def interpolation(self) -> str:
        """How pictures were resized for it: "bicubic" or "bilinear"."""
        ...

    @property
    def patch_weight(self) -> Tensor | None:
        """(D, 3, height, width) the convolution that makes tokens of a picture's patches."""
        ...

    @property
    def patch_bias(self) -> Tensor | None:
        """(D,) of that convolution."""
        ...

    @property
    def positions(self) -> Tensor | None:
        """(N, D) of the patches alone, row-major over `positions_grid`."""
        ...

    @property
    def positions_grid(self) -> tuple[int, int] | None:
        """How many patches there are down and across."""
        ...

    @property
    def native_patch(self) -> int | None:
        """Side in pixels of the square patches that the encoder was made for; None where it has no patch embedding."""
        ...

    @property
    def native_size(self) -> int | None:
        """Side in pixels of the square pictures that the encoder was made for; None where it has no patch embedding or
        no positions, or where its pictures are no squares."""
        ...

    @property
    def fit(self) -> Literal["crop", "squash"] | None:
        """How pictures that are no squares were made square for it: by their middle, or squashed; None: not known."""
        ...

    @property
    def token_table(self) -> TokenTable | None:
        """Of an encoder for texts; None of all others."""
        ...
