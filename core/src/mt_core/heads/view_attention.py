"""Several vectors of a sample to one, by learned attention.  B samples, V views, P pooled width."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.parameter import Parameter

_HEADS = 4


class ViewAttention(nn.Module):
    """What a learned query finds in the views of a sample, those it has.

    Source: Lee et al. 2019 (Set Transformer), arXiv:1810.00825, section 3.2, pooling by attention with one seed.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.query = Parameter(nn.init.trunc_normal_(nn.Linear(width, 1, bias=False).weight.detach(), std=0.02))
        num_heads = _HEADS if width % _HEADS == 0 else 1
        self.attention = nn.MultiheadAttention(width, num_heads, batch_first=True)

    def forward(self, vectors_BVP: Tensor, is_there_BV: Tensor) -> Tensor:
        """(B, P).

        Args:
            vectors_BVP: Of each view; of one that is not there, any finite numbers.
            is_there_BV: Bool; at least one of each sample.
        """
        normed_BVP = self.norm(vectors_BVP)
        query_B1P = self.query.expand(vectors_BVP.shape[0], 1, -1)
        found_B1P, _ = self.attention(query_B1P, normed_BVP, normed_BVP, key_padding_mask=~is_there_BV)
        pooled: Tensor = found_B1P.squeeze(1)
        return pooled
