"""Two towers on one encoder: what learns from pairs, and what it minimises.

B pairs of a process, M of all processes, C different captions, D width of the encoder, J width of the joint space.

Source: Radford et al. 2021 (CLIP), arXiv:2103.00020, sections 2.3 to 2.5 and figure 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mt_core.contract import Tokenizer
from mt_core.encoder import Encoder

FIRST_SCALE, LARGEST_SCALE = 1 / 0.07, 100.0
"""What similarities are multiplied by: at first, and at most (CLIP, section 2.5)."""


class Towers(nn.Module):
    """Pictures and captions into one space: tokenizer, encoder, mean of the real tokens (what `mt embed` gives), a
    linear map. The encoder is one and the same, unless there is a second one for captions.

    Args:
        picture, caption: The tokenizers.
        encoder: For pictures, and for captions where `caption_encoder` is None.
        joint_width: J.

    Attributes:
        log_scale: Logarithm of what similarities are multiplied by.
    """

    def __init__(
        self,
        picture: Tokenizer,
        caption: Tokenizer,
        encoder: Encoder,
        caption_encoder: Encoder | None,
        joint_width: int,
    ) -> None:
        super().__init__()
        self.picture, self.caption = picture, caption
        self.encoder, self.caption_encoder = encoder, caption_encoder
        self.picture_projection = nn.Linear(encoder.width, joint_width, bias=False)
        self.caption_projection = nn.Linear(encoder.width, joint_width, bias=False)
        for projection in (self.picture_projection, self.caption_projection):
            nn.init.normal_(projection.weight, std=encoder.width**-0.5)
        self.log_scale = nn.Parameter(torch.tensor(math.log(FIRST_SCALE)))

    def forward(self, batch: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Pictures and captions, each (B, J) float32 of length 1."""
        caption_encoder = self.encoder if self.caption_encoder is None else self.caption_encoder
        pictures_BD = self.encoder(self.picture(batch["picture"])).pooled
        captions_BD = caption_encoder(self.caption(batch["caption"])).pooled
        return (
            functional.normalize(self.picture_projection(pictures_BD).float(), dim=-1),
            functional.normalize(self.caption_projection(captions_BD).float(), dim=-1),
        )

    @torch.no_grad()
    def bound_scale(self) -> None:
        self.log_scale.clamp_(max=math.log(LARGEST_SCALE))


def info_nce(
    pictures_BJ: Tensor,
    captions_BJ: Tensor,
    all_pictures_MJ: Tensor,
    all_captions_MJ: Tensor,
    scale: Tensor,
    first: int,
) -> Tensor:
    """Cross entropy of each picture over all captions and of each caption over all pictures, their mean.

    Args:
        pictures_BJ, captions_BJ: This process's pairs, of length 1.
        all_pictures_MJ, all_captions_MJ: Those of all processes, with gradients.
        scale: What similarities are multiplied by.
        first: Where this process's pairs begin among all.

    Returns:
        This process's part. The mean over processes is the loss of one that holds all pairs, and so are the gradients.
    """
    targets_B = torch.arange(first, first + len(pictures_BJ), device=pictures_BJ.device)
    with torch.autocast(pictures_BJ.device.type, enabled=False):  # bfloat16 has 8 bits for similarities
        of_pictures = functional.cross_entropy(scale * pictures_BJ @ all_captions_MJ.T, targets_B)
        of_captions = functional.cross_entropy(scale * captions_BJ @ all_pictures_MJ.T, targets_B)
    return (of_pictures + of_captions) / 2


def recall(pictures_MJ: Tensor, captions_CJ: Tensor, own_M: Tensor, at: int) -> float:
    """The share of pictures whose own caption is among the nearest; of equally near ones it counts as the last.

    Args:
        captions_CJ: Different captions.
        own_M: For each picture the index of its own.
        at: How many are the nearest.
    """
    nearness_MC = pictures_MJ @ captions_CJ.T
    not_farther_M = (nearness_MC >= nearness_MC.gather(1, own_M.unsqueeze(1))).sum(1)
    return float((not_farther_M <= at).float().mean())
