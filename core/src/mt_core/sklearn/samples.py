"""What scikit-learn hands to an estimator, as samples of a modality."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from mt_core.data.inputs import is_frame, samples_of
from mt_core.errors import MtError


class InvalidDataError(MtError, ValueError):
    """Samples or targets that an estimator cannot use; a `ValueError`, as scikit-learn's own are."""


@contextmanager
def as_value_error(num_samples: int = 0) -> Iterator[None]:
    """An error of ours becomes one that scikit-learn's tools expect, which look for a number of one sample in it."""
    try:
        yield
    except InvalidDataError:
        raise
    except MtError as error:
        of_one = " (n_samples=1)" if num_samples == 1 else ""
        raise InvalidDataError(f"{error.problem}{of_one}", fix=error.fix) from error


def samples(given: Any) -> list[Any]:
    """One sample an element.

    Args:
        given: As for `mt_core.fit`. A table of a single column of texts, paths or other objects is that column.

    Raises:
        InvalidDataError: a sparse matrix, or something without elements.
    """
    if hasattr(given, "tocsr") or hasattr(given, "tocoo"):
        raise InvalidDataError("sparse data are not read", fix="give a dense array: X.toarray()")
    if getattr(given, "ndim", 1) == 0:
        raise InvalidDataError("a single number is no sequence of samples", fix="reshape your data: one row a sample")
    if not hasattr(given, "shape") and hasattr(given, "__array__") and not hasattr(given, "__iter__"):
        given = np.asarray(given)
    if is_column(given):
        column = given.iloc[:, 0] if hasattr(given, "iloc") else given[:, 0]
        return list(column.to_list() if hasattr(column, "to_list") else column.tolist())
    kind = getattr(getattr(given, "dtype", None), "kind", "")
    if kind == "c":
        raise InvalidDataError("Complex data not supported", fix="give real and imaginary parts as columns")
    if kind in ("b", "i", "u", "f") and getattr(given, "ndim", 0) == 1:
        raise InvalidDataError(
            "numbers in one dimension are one row or one column. Reshape your data",
            fix="X.reshape(1, -1) is one sample, X.reshape(-1, 1) one a number",
        )
    with as_value_error():
        found = samples_of(given)
    if not found:
        raise InvalidDataError("there are no samples: 0 sample(s) while a minimum of 1 is required", fix="give some")
    return found


def is_column(given: Any) -> bool:
    """Whether this is a table of one column whose cells are samples of their own, and no numbers."""
    if getattr(given, "ndim", 0) != 2 or given.shape[1] != 1:
        return False
    kind = given.dtypes.iloc[0] if is_frame(given) and hasattr(given, "iloc") else getattr(given, "dtype", None)
    return getattr(kind, "kind", "O") in "OUST"
