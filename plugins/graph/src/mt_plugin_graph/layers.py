"""The parts of a graph's tokens that learn.

B graphs, N nodes of all of them, E edges, M either, K eigenspaces, T steps of walks, F rows, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mt_plugin_graph.features import NO_ROW, NUMBERS_WIDTH

_HIDDEN = 32


class StructuralEncoding(nn.Module):
    """What spectrum and walks say of a node or an edge.

    Each eigenspace is read by one small network, from its eigenvalue, the projector's entry p and that entry relative
    to an even share of the space, n p; the results are added up. So nothing hangs on the number of an eigenvalue, of
    which graphs have more or fewer.
    """

    def __init__(self, num_spaces: int, num_steps: int, width: int) -> None:
        super().__init__()
        self.read_space = nn.Sequential(nn.Linear(3, _HIDDEN), nn.GELU(), nn.Linear(_HIDDEN, _HIDDEN), nn.GELU())
        self.join = nn.Sequential(nn.Linear(_HIDDEN + num_steps, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, spaces_MK: Tensor, walks_MT: Tensor, eigenvalues_MK: Tensor, num_nodes_M: Tensor) -> Tensor:
        """(M, D). An eigenvalue below zero stands for none."""
        share_MK = spaces_MK * num_nodes_M[:, None]
        read_MKH = self.read_space(
            torch.stack([eigenvalues_MK, spaces_MK, share_MK.sign() * share_MK.abs().log1p()], -1)
        )
        added_MH = (read_MKH * (eigenvalues_MK >= 0)[..., None]).sum(1)
        joined: Tensor = self.join(torch.cat([added_MH, walks_MT], dim=-1))
        return joined


class AttributeEmbedding(nn.Module):
    """What a node or an edge carries: the sum of its categories' vectors, and its numbers."""

    def __init__(self, num_rows: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(num_rows, width, padding_idx=NO_ROW)
        nn.init.normal_(self.table.weight, std=0.3)
        with torch.no_grad():
            self.table.weight[NO_ROW] = 0
        self.numbers = nn.Linear(NUMBERS_WIDTH, width)

    def forward(self, rows_MF: Tensor, numbers_MS: Tensor) -> Tensor:
        """(M, D)."""
        carried: Tensor = self.table(rows_MF).sum(1) + self.numbers(numbers_MS)
        return carried


class MessagePassing(nn.Module):
    """Each node takes in its neighbours, along the edges and what they carry.

    h_i becomes h_i + MLP(norm(h_i + sum over its edges of GELU(h_j + e_ij))): GINE (Hu et al. 2020, arXiv:1905.12265),
    residual. Along a directed edge and against it, different vectors are added to the message.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.along = nn.Parameter(torch.randn(2, width) * 0.3)

    def forward(self, nodes_ND: Tensor, edges_ED: Tensor, ends_E2: Tensor, is_directed_E1: Tensor) -> Tensor:
        """(N, D)."""
        gathered_ND = torch.zeros_like(nodes_ND)
        first_E, second_E = ends_E2.unbind(1)
        is_loop_E1 = (first_E == second_E)[:, None]
        for way, (start_E, end_E) in enumerate(((first_E, second_E), (second_E, first_E))):
            message_ED = nn.functional.gelu(nodes_ND[start_E] + edges_ED + is_directed_E1 * self.along[way])
            if way:
                message_ED = message_ED.masked_fill(is_loop_E1, 0.0)  # a loop is one neighbour, not two
            gathered_ND.index_add_(0, end_E, message_ED.to(gathered_ND.dtype))
        taken: Tensor = nodes_ND + self.mlp(self.norm(nodes_ND + gathered_ND))
        return taken


class GraphContext(nn.Module):
    """What all tokens of a graph are told of the whole: the mean and the sum of its nodes, and how many there are.

    The sum is what quantities that grow with a molecule hang on. It goes through asinh: linear for molecules, and like
    a logarithm for graphs of thousands of nodes. A virtual node (Gilmer et al. 2017, arXiv:1704.01212, section 5.2)
    that only speaks.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Linear(2 * width + 2, width)

    def forward(self, nodes_ND: Tensor, node_graph_N: Tensor, num_nodes_B: Tensor, num_edges_B: Tensor) -> Tensor:
        """(B, D)."""
        sums_BD = nodes_ND.new_zeros(num_nodes_B.shape[0], nodes_ND.shape[1]).index_add_(0, node_graph_N, nodes_ND)
        sizes_B2 = torch.stack([num_nodes_B, num_edges_B], dim=1).to(nodes_ND.dtype)
        context_BD: Tensor = self.mix(
            torch.cat([sums_BD / sizes_B2[:, :1], torch.asinh(sums_BD / 16), torch.log1p(sizes_B2)], dim=1)
        )
        return context_BD
