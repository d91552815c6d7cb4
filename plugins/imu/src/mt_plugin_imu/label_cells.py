"""The column of a table that says what was done at each step.  T steps, K classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError, OptionError
from mt_core.sdk import canonical_label, plain_name, sorted_names

LABEL_NAMES = ("label", "labels", "activity", "class", "state", "annotation", "event", "target", "gt")
"""What it is called, where nobody says it."""

MOST_CLASSES = 256

_FIRST_TEXT = 1e12  # the code of the first label that is no number


def label_column(names: Sequence[str], width: int, wanted: str, source: str) -> int:
    """The place of the column of labels.

    Args:
        names: Of the columns; none where there are no names.
        width: How many columns there are.
        wanted: Its name, or its number from 1 where there are no names; "": found by its name.

    Raises:
        OptionError: there is no such column.
    """
    if wanted in names:
        return names.index(wanted)
    if not names and wanted.isdecimal() and 1 <= int(wanted) <= width:
        return int(wanted) - 1
    plain = [plain_name(name) for name in names]
    if not wanted and (found := [plain.index(name) for name in LABEL_NAMES if name in plain]):
        return found[0]
    columns = ", ".join(names[:20]) if names else f"{width} columns without names"
    raise OptionError(
        f"{source} has no column {f'label={wanted}' if wanted else 'of labels'}; it has {columns}",
        fix="name the column with the class of each step: -D label=COLUMN",
    )


class LabelCells:
    """Collects labels: a parser for `Delimited.numbers`, which gives a number for each text."""

    def __init__(self) -> None:
        self.texts: dict[str, float] = {}
        self.names: tuple[str, ...] = ()

    def __call__(self, cell: str) -> float:
        return self.texts.setdefault(cell.strip(), _FIRST_TEXT + len(self.texts))

    def as_columns(self, codes_T: NDArray[np.float64]) -> NDArray[np.float64]:
        """(T, K) 1 in the column of a row's label and 0 in others, NaN where it has none.

        Raises:
            InputError: so many different labels that they are no classes.
        """
        text_of = {code: text for text, code in self.texts.items()}
        different = {code: canonical_label(text_of.get(code, code)) for code in np.unique(codes_T).tolist()}
        self.names = sorted_names(name for name in different.values() if name is not None)
        if len(self.names) > MOST_CLASSES:
            raise InputError(
                f"the column of labels has {len(self.names):,} different values, which are no classes",
                fix="name the column with the class of each step: -D label=COLUMN",
            )
        columns_TK = np.full((len(codes_T), len(self.names)), np.nan)
        for code, name in different.items():
            if name is not None:
                columns_TK[codes_T == code] = np.arange(len(self.names)) == self.names.index(name)
        return columns_TK

    def of_columns(self, columns_TK: NDArray[np.float64]) -> list[str | None]:
        """The label of each row, of columns in which rows may have been put in between; None where none has more than
        half."""
        if not columns_TK.shape[1]:
            return []
        chosen_T = np.where((columns_TK > 0.5).any(1), np.nan_to_num(columns_TK).argmax(1), -1)
        return [None if at < 0 else self.names[at] for at in chosen_T.tolist()]
