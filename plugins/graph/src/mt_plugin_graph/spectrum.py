"""Who is who in a graph: node identifiers from the eigenvectors of the normalised Laplacian.

N nodes, E edges, K eigenspaces, T steps.

L = I - D^(-1/2) A D^(-1/2), with A the symmetric count of edges and D its row sums. TokenGT (Kim et al. 2022,
arXiv:2207.02505, section 2.2) names a node by its entries in the first eigenvectors of L. An eigenvector is known up to
its sign only, and where an eigenvalue repeats (cycles, complete graphs, benzene) up to any rotation: two orders of the
same nodes then give other names. What does not depend on that choice is the projector on each eigenspace,

    P_k = sum of v v^T over the eigenvectors v of the k-th distinct eigenvalue,

as in Lim et al. 2023 (SignNet and BasisNet, arXiv:2202.13013, section 2.2). So the identifier of node i is P_k(i, i)
and that of the edge (i, j) is P_k(i, j), for the K smallest distinct eigenvalues, each with its eigenvalue beside it.
The sign is gone, and any renumbering of the nodes renumbers the identifiers and changes nothing else.

To these come walks: W^t(i, i) and W^t(i, j) for t = 1 to T, with W = I - L; the former are the chances of a random walk
to be back after t steps (RWSE, Dwivedi et al. 2022, arXiv:2110.07875, section 3.1). They see the whole spectrum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DENSE_NODES = 512
"""Up to so many nodes the whole spectrum is computed, at most about 25 ms, which is what walks need. Larger graphs get
the lower end of it."""

SPARSE_NODES = 20_000
"""Up to so many nodes the lower end of the spectrum is computed, in seconds at most. Larger graphs get nothing."""

_SAME = 1e-5  # eigenvalues nearer than this are one; eigenvectors of others are then exact to 1e-10
_LOWEST = 32  # eigenvalues computed of a large graph
_BLOCK = 48  # vectors iterated together: an eigenvalue that repeats more often than this would be missed in part
_DEPTH = 6  # powers of the inverse applied to them before the best of all are kept
_RESTARTS = 6
_EXACT = 1e-8  # residual of an eigenvector that is used
_SHIFT = 1e-4
_WORK = 4e9  # operations of a factorisation: a few seconds, and at most half a gigabyte
_CHUNK = 2048  # edges at a time


@dataclass(frozen=True)
class Identifiers:
    """What names nodes and edges.

    Attributes:
        eigenvalues: (K,) float32 in 0..2, -1 where the graph has fewer.
        node_spaces, edge_spaces: (N, K) and (E, K) float32 entries of the projectors.
        node_walks, edge_walks: (N, T) and (E, T) float32 entries of the walks.
    """

    eigenvalues: NDArray[np.float32]
    node_spaces: NDArray[np.float32]
    edge_spaces: NDArray[np.float32]
    node_walks: NDArray[np.float32]
    edge_walks: NDArray[np.float32]


def identifiers(num_nodes: int, edges: NDArray[np.int64], num_spaces: int, num_steps: int) -> Identifiers:
    """The identifiers of a graph's nodes and edges; the direction of edges does not count.

    Of more than `DENSE_NODES` nodes there are no walks (zeros), and those of the K eigenspaces that lie wholly within
    the 32 smallest eigenvalues. A graph of more than `SPARSE_NODES` nodes, or one so dense that even these would take
    more than seconds, has none.

    Args:
        edges: (2, E).
        num_spaces, num_steps: K and T.
    """
    if num_nodes <= DENSE_NODES:
        values, vectors = _whole_spectrum(num_nodes, edges)
        is_whole = True
    else:
        values, vectors = _low_end(num_nodes, edges) if num_nodes <= SPARSE_NODES else (np.empty(0), np.empty((0, 0)))
        is_whole = False
    starts = np.flatnonzero(np.diff(values, prepend=-np.inf) > _SAME)
    ends = np.append(starts[1:], len(values))
    if not is_whole and len(starts):
        starts, ends = starts[:-1], ends[:-1]  # the last may go on beyond what was computed
    starts, ends = starts[:num_spaces], ends[:num_spaces]
    last = int(ends[-1]) if len(ends) else 0
    powers_NT = (1 - values[:, None]) ** np.arange(1, num_steps + 1)
    nodes = np.arange(num_nodes)
    parts = []
    for first, second in ((nodes, nodes), edges):
        spaces = np.zeros((len(first), num_spaces), np.float32)
        walks = np.zeros((len(first), num_steps), np.float32)
        for at in range(0, len(first), _CHUNK):
            some = slice(at, at + _CHUNK)
            if not len(values):
                break
            products = vectors[first[some]] * vectors[second[some]]
            if last:
                spaces[some, : len(starts)] = np.add.reduceat(products[:, :last], starts, axis=1)
            if is_whole:
                walks[some] = products @ powers_NT
        parts.append((spaces, walks))
    eigenvalues = np.full(num_spaces, -1, np.float32)
    eigenvalues[: len(starts)] = np.maximum(values[starts], 0)
    (node_spaces, node_walks), (edge_spaces, edge_walks) = parts
    return Identifiers(eigenvalues, node_spaces, edge_spaces, node_walks, edge_walks)


def _whole_spectrum(num_nodes: int, edges: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """(N,) eigenvalues, smallest first, and (N, N) eigenvectors, in columns."""
    import torch

    adjacency = np.zeros((num_nodes, num_nodes))
    np.add.at(adjacency, (edges[0], edges[1]), 1.0)
    loops = np.diagonal(adjacency).copy()
    adjacency = adjacency + adjacency.T
    np.fill_diagonal(adjacency, loops)
    degrees = adjacency.sum(1)
    scale = 1 / np.sqrt(np.maximum(degrees, 1))
    laplacian = np.diag((degrees > 0).astype(float)) - scale[:, None] * adjacency * scale
    values, vectors = torch.linalg.eigh(torch.from_numpy(laplacian))
    return values.numpy(), vectors.numpy()


def _low_end(num_nodes: int, edges: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The same for the `_LOWEST` smallest eigenvalues of a sparse graph; none where they would take too long."""
    from scipy import sparse
    from scipy.sparse import csgraph
    from scipy.sparse import linalg as sparse_linalg

    is_loop = edges[0] == edges[1]
    first = np.concatenate([edges[0], edges[1][~is_loop]])
    second = np.concatenate([edges[1], edges[0][~is_loop]])
    adjacency = sparse.csr_array((np.ones(len(first)), (first, second)), shape=(num_nodes, num_nodes))
    degrees = adjacency.sum(1)
    scale = sparse.diags_array(1 / np.sqrt(np.maximum(degrees, 1)))
    laplacian = sparse.diags_array((degrees > 0).astype(float)) - scale @ adjacency @ scale
    order = csgraph.reverse_cuthill_mckee(sparse.csr_matrix(adjacency), symmetric_mode=True)
    laplacian = sparse.csc_array(laplacian.tocsr()[order][:, order])
    if _factor_work(laplacian) > _WORK:
        return np.empty(0), np.empty((num_nodes, 0))
    shifted = sparse.csc_matrix(laplacian + _SHIFT * sparse.eye_array(num_nodes))
    # the order bounds the factor, so it is kept; the matrix is positive definite, so no pivot is needed
    factor = sparse_linalg.splu(shifted, "NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    values, vectors = _block_lanczos(laplacian, factor.solve)
    unordered = np.empty_like(vectors)
    unordered[order] = vectors
    return values, unordered


def _block_lanczos(matrix: Any, inverse: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
    """The smallest eigenvalues of a matrix and their eigenvectors, as many of `_LOWEST` as are exact.

    scipy's `eigsh` iterates a single vector, and was seen to miss some of the eigenvectors of an eigenvalue that
    repeats; the projector on the rest would depend on the order of the nodes. A block of vectors finds all of them.

    Source: Golub & Underwood 1977, the block Lanczos method; here restarted, and orthogonalised in full.
    """
    draw = np.random.default_rng(0)
    block, _ = np.linalg.qr(draw.normal(size=(matrix.shape[0], _BLOCK)))
    for _ in range(_RESTARTS):
        basis = block
        for _ in range(_DEPTH - 1):
            block = inverse(block)
            # where the powers have nothing new to say (few distinct eigenvalues), something random to go on with
            block = block / np.linalg.norm(block, axis=0) + 1e-10 * draw.normal(size=block.shape)
            for _ in range(2):  # once is not enough in floating point
                block = block - basis @ (basis.T @ block)
                block, _ = np.linalg.qr(block)
            basis = np.concatenate([basis, block], axis=1)
        values, small = np.linalg.eigh(basis.T @ (matrix @ basis))
        values, block = values[:_BLOCK], basis @ small[:, :_BLOCK]
        is_exact = np.linalg.norm(matrix @ block - block * values, axis=0)[:_LOWEST] < _EXACT
        if is_exact.all():
            break
    count = _LOWEST if is_exact.all() else int(np.argmin(is_exact))
    return values[:count], block[:, :count]


def _factor_work(matrix: Any) -> float:
    """Operations of a factorisation in the matrix's own order: the squared widths of its rows left of the diagonal."""
    from scipy import sparse

    entries = sparse.coo_array(matrix)
    widths = np.zeros(entries.shape[0])
    np.maximum.at(widths, entries.row, entries.row - entries.col)
    return float((widths * widths).sum())
