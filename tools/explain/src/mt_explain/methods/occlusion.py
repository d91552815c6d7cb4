"""One part left out at a time.  P parts."""

from __future__ import annotations

import torch
from torch import Tensor

from mt_explain.one_sample import OneSample
from mt_explain.target import Target


def occlusion(sample: OneSample, target: Target) -> Tensor:
    """The score of the whole sample minus that without the part. Its tokens are absent: the encoder computes the others
    as if they had never been there, and nothing stands in for them.

    Source: Zeiler & Fergus 2014, arXiv:1311.2901, section 4.2, with absent tokens in place of a grey square.
    """
    num_parts = len(sample.parts)
    if num_parts < 2:
        return torch.ones(num_parts, device=sample.output.device)
    is_kept_PP = ~torch.eye(num_parts, dtype=torch.bool, device=sample.output.device)
    return target.score(sample.output) - target.score(sample.without(is_kept_PP))
