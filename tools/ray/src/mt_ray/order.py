"""Whether batches come in their order, each once, and all of them."""

from __future__ import annotations

from mt_core.errors import EmbeddingError

_FIX = "repeat the command: it goes on behind the last batch that came right"


class Order:
    """Looks at each batch before it is written.

    Args:
        num_chunks: How many chunks there are.
    """

    def __init__(self, num_chunks: int) -> None:
        self.num_chunks = num_chunks
        self.chunk = self.turn = 0

    def take(self, chunk: int, turn: int, is_last: bool) -> None:
        """The next batch: `turn` within `chunk`, the last of it or not.

        Raises:
            EmbeddingError: one is missing, doubled or not in its turn.
        """
        if (chunk, turn) != (self.chunk, self.turn):
            wanted = f"batch {self.turn} of chunk {self.chunk}"
            raise EmbeddingError(f"the cluster gave batch {turn} of chunk {chunk} in place of {wanted}", fix=_FIX)
        self.chunk, self.turn = (chunk + 1, 0) if is_last else (chunk, turn + 1)

    def finish(self) -> None:
        """The end.

        Raises:
            EmbeddingError: not all chunks came.
        """
        if (self.chunk, self.turn) != (self.num_chunks, 0):
            raise EmbeddingError(f"the cluster gave {self.chunk} of {self.num_chunks} chunks", fix=_FIX)
