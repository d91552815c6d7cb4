"""Mean and standard deviation in one pass.  R rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Moments:
    """Mean and standard deviation of rows that come a few at a time, in float64.

    Source: Chan, Golub and LeVeque 1979, Updating formulae and a pairwise algorithm for computing sample variances.

    Attributes:
        count: Rows until now.
        mean: Of each column.
    """

    count: int
    mean: NDArray[np.float64]

    def __init__(self) -> None:
        self.count, self.mean, self._squares = 0, np.zeros(()), np.zeros(())

    def add(self, rows: NDArray[Any]) -> None:
        """Take in (R, …) rows, at least one, of the same shape each time."""
        rows = rows.astype(np.float64, copy=False)
        count, mean = len(rows), rows.mean(0)
        squares = ((rows - mean) ** 2).sum(0)
        if self.count:
            total, apart = self.count + count, mean - self.mean
            squares = self._squares + squares + apart**2 * self.count * count / total
            count, mean = total, self.mean + apart * count / total
        self.count, self.mean, self._squares = count, mean, squares

    @property
    def std(self) -> NDArray[np.float64]:
        """The population's, of each column."""
        return np.asarray(np.sqrt(self._squares / max(self.count, 1)))
