"""Pretrained vectors of the byte pairs, which come with this package.  How they were made: docs/text-vectors.md."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from mt_core.errors import FingerprintError
from mt_plugin_text.byte_pairs import NUM_IDS

FILE = Path(__file__).with_name("vectors.safetensors")
SHA256 = "65e24108cad57e98b0f48e49ee32e8ce5647f8d9cb0a0b0d34128d77521797fc"
"""Of the file."""

VECTOR_WIDTH = 192

SCALE = 5.0
"""Of the tokens, as large as which the encoder's blocks change little of what they say: docs/text-vectors.md."""

NO_WORD = 0
"""What has no vector: a separator, a hidden word. The vector of id i has the number i + 1."""


class TokenVectors(nn.Module):
    """The vector of each byte pair, of mean square 1 over the vocabulary; the frequent ones are short.

    They do not learn and are no part of a run: a run names the file that they come from.
    """

    steps: Tensor
    scales: Tensor

    def __init__(self) -> None:
        super().__init__()
        steps, scales = _load()
        self.register_buffer("steps", steps, persistent=False)
        self.register_buffer("scales", scales, persistent=False)

    def forward(self, words_BN: Tensor) -> Tensor:
        """(B, N, 192) of ids + 1; zeros for `NO_WORD`."""
        words_BN = words_BN.long()
        vectors: Tensor = self.steps[words_BN] * self.scales[words_BN].float().unsqueeze(-1)
        return vectors


class PretrainedTokens(nn.Module):
    """Pretrained vectors at the width of an encoder, each with the sum of its text's added, divided by the root of
    their number.

    That sum has the direction of the text's mean vector, and the length of a single word's. The final norm of an
    encoder makes all tokens equally long, so that the mean of what comes out would weigh "the" like "wonderful"; what
    is in every token stays as it is. The mean of the tokens as they enter points where it would without the sum.

    Args:
        width: D. Below 192 the first axes are kept, which are those of the largest variance.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.vectors = TokenVectors()
        self.enter = nn.Linear(VECTOR_WIDTH, width, bias=False)
        with torch.no_grad():
            self.enter.weight.copy_(SCALE * torch.eye(width, VECTOR_WIDTH))

    def forward(self, words_BN: Tensor, vectors_BNV: Tensor, is_second_BN: Tensor) -> Tensor:
        """(B, N, D) tokens.

        Args:
            words_BN: Their numbers.
            vectors_BNV: What `vectors` gives for them.
            is_second_BN: True in the second text of a pair.
        """
        in_text_BTN = torch.stack([~is_second_BN, is_second_BN], 1).to(vectors_BNV.dtype)
        num_words_BT1 = (in_text_BTN * (words_BN != NO_WORD).unsqueeze(1)).sum(-1, keepdim=True)
        shared_BTV = in_text_BTN @ vectors_BNV / num_words_BT1.clamp_min(1).sqrt()
        tokens_BND: Tensor = self.enter(vectors_BNV + in_text_BTN.mT @ shared_BTV)
        return tokens_BND


def check_vectors(digest: str | None) -> None:
    """Refuse what was trained on other vectors.

    Raises:
        FingerprintError: it names another file, or none.
    """
    if digest != SHA256:
        raise FingerprintError(
            f"trained on other vectors of words than this mt-plugin-text has ({digest or 'none'}, not {SHA256})",
            fix="train it again, or install the version of mt-plugin-text that it was trained with",
        )


@cache
def _load() -> tuple[Tensor, Tensor]:
    """(1 + ids, 192) int8 and (1 + ids,) float16; their product is the vectors, the first of zeros.

    Raises:
        FingerprintError: the file is missing, or is not the one that was released, to the bit.
    """
    from safetensors.torch import load

    content = FILE.read_bytes() if FILE.is_file() else None
    found = "none" if content is None else hashlib.sha256(content).hexdigest()
    if content is None or found != SHA256:
        raise FingerprintError(
            f"{FILE} is not the file that was released (its SHA-256 is {found}, not {SHA256})",
            fix="reinstall it: pip install --force-reinstall --no-deps mt-plugin-text",
        )
    tensors = load(content)
    assert tensors["vectors"].shape == (NUM_IDS, VECTOR_WIDTH)
    steps = torch.cat([tensors["vectors"].new_zeros(1, VECTOR_WIDTH), tensors["vectors"]])
    return steps, torch.cat([tensors["scales"].new_zeros(1), tensors["scales"]])
