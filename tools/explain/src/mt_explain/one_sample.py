"""One sample as a model sees it, and what the model gives for a part of it or for other tokens in its place.

S variants of the sample, V views, N tokens a view, D width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mt_core import hooks
from mt_core.contract import Detection, Features, Forecasting, Segmentation, Tokens
from mt_core.model import MetaTransformer
from mt_explain.parts import Parts

_TOKENS_AT_ONCE = 4096
"""Of all variants that are computed together, so that memory stays bounded."""


class OneSample:
    """The tokens of one sample, its parts, and the head's output for variants of it.

    Args:
        model: A trained one, in evaluation mode.
        sample: What the tokenizer's `read` returned.
        item: What its `prepare` made of that.

    Attributes:
        tokens: As the tokenizer gave them.
        found: What each token is of.
        parts: Tokens of equal regions.
        output: The head's, of the whole sample, one row.
    """

    def __init__(self, model: MetaTransformer, sample: Any, item: Mapping[str, Tensor]) -> None:
        self.model = model
        self.head = model.require_head()
        tokenizer = model.tokenizer
        batch = {name: tensor.to(model.device) for name, tensor in tokenizer.collate([item]).items()}
        with torch.no_grad():
            tokens = hooks.call("mt_tokenize", modality=model.modality, tokenizer=tokenizer, batch=batch)
            self.tokens: Tokens = replace(tokens, values=tokens.values.float())
            self.found = tokenizer.regions(sample, batch, self.tokens)
        self.parts = Parts.of(self.tokens, self.found)
        with torch.no_grad():
            self.output = self.computed(self.tokens.values[None])

    @property
    def shape(self) -> tuple[int, int]:
        """V and N."""
        rows, num_tokens = self.tokens.values.shape[:2]
        return rows, num_tokens

    @property
    def mean_token(self) -> Tensor:
        """(V, N, D) the mean of the sample's real tokens, in place of each."""
        mean_D = self.tokens.values[self.tokens.real()].mean(0)
        return mean_D.expand_as(self.tokens.values)

    def computed(self, values_SVND: Tensor, is_kept_SVN: Tensor | None = None) -> Tensor:
        """(S, …) the head's output, differentiable in the values.

        Args:
            is_kept_SVN: The tokens that are there, at least one of each variant; None: all that are real.
        """
        num_variants = len(values_SVND)
        real_VN = self.tokens.real()
        if is_kept_SVN is None and self.tokens.mask is None:
            mask = None
        else:
            mask = (real_VN[None] if is_kept_SVN is None else is_kept_SVN & real_VN).expand(num_variants, -1, -1)
        features: Features = hooks.call(
            "mt_encode",
            modality=self.model.modality,
            encoder=self.model.encoder,
            tokens=self._variants(values_SVND, mask),
        )
        if mask is not None and is_kept_SVN is not None and self.reads_places:
            features = _filled(features, mask, real_VN)
        output: Tensor = hooks.call("mt_predict", modality=self.model.modality, head=self.head, features=features)
        return output.float()

    def without(self, is_kept_SP: Tensor) -> Tensor:
        """(S, …) the head's output for the parts that are kept, computed some variants at a time."""
        rows, num_tokens = self.shape
        at_once = max(1, _TOKENS_AT_ONCE // (rows * num_tokens))
        outputs = []
        with torch.no_grad():
            for kept in torch.split(is_kept_SP, at_once):
                values = self.tokens.values.expand(len(kept), -1, -1, -1)
                outputs.append(self.computed(values, self.parts.tokens_of(kept)))
        return torch.cat(outputs)

    @property
    def reads_places(self) -> bool:
        """Whether the head reads each token by its place, so that the places of absent ones have to stay."""
        return isinstance(self.head.task, Detection | Forecasting | Segmentation)

    def _variants(self, values_SVND: Tensor, mask_SVN: Tensor | None) -> Tokens:
        times = len(values_SVND)
        own = self.tokens
        return replace(
            own,
            values=values_SVND.flatten(0, 1),
            mask=None if mask_SVN is None else mask_SVN.flatten(0, 1),
            coords=None if own.coords is None else _repeated(own.coords, times),
            parts=None if own.parts is None else _repeated(own.parts, times),
            side={name: _repeated(tensor, times) for name, tensor in own.side.items()},
        )


@contextmanager
def explaining(model: MetaTransformer) -> Iterator[None]:
    """Evaluation mode, with gradients, and none of the model's own parameters asking for one."""
    model.eval()
    asked = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in asked:
        parameter.requires_grad_(False)
    try:
        with torch.enable_grad():
            yield
    finally:
        for parameter in asked:
            parameter.requires_grad_(True)


def _repeated(tensor: Tensor, times: int) -> Tensor:
    return tensor.repeat(times, *[1] * (tensor.ndim - 1))


def _filled(features: Features, mask_SVN: Tensor, real_VN: Tensor) -> Features:
    """The features with the mean of those that are there in the places of absent ones: of their view, or where that has
    none, of all views."""
    num_variants, views, _ = mask_SVN.shape
    tokens_SVND = features.tokens.reshape(num_variants, views, *features.tokens.shape[1:])
    kept = mask_SVN.unsqueeze(-1).to(tokens_SVND.dtype)
    sums_SVD, counts_SV1 = (tokens_SVND * kept).sum(2), kept.sum(2)
    of_all_S1D = sums_SVD.sum(1, keepdim=True) / counts_SV1.sum(1, keepdim=True)
    mean_SVD = torch.where(counts_SV1 > 0, sums_SVD / counts_SV1.clamp(min=1), of_all_S1D)
    filled = torch.where(mask_SVN.unsqueeze(-1), tokens_SVND, mean_SVD.unsqueeze(2))
    filled = filled * real_VN.unsqueeze(-1).to(filled.dtype)
    return replace(features, tokens=filled.flatten(0, 1), mask=real_VN.repeat(num_variants, 1))
