"""Which columns of a table hold the text, its label and its split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mt_core.errors import InputError

TEXT_NAMES = (
    "sentence", "text", "review", "content", "question", "comment", "tweet", "message", "body", "document", "utterance",
    "title",
)  # fmt: skip
"""Names by which a column of texts is known, in any case; of several the first in this order."""

PAIR_NAMES = (
    ("sentence1", "sentence2"), ("premise", "hypothesis"), ("question1", "question2"), ("question", "sentence"),
    ("text1", "text2"), ("#1 string", "#2 string"),
)  # fmt: skip
"""Two columns that together are a sample; they come before single ones."""

LABEL_NAMES = (
    "label", "gold_label", "labels", "class", "category", "sentiment", "target", "intent", "is_duplicate", "quality",
)  # fmt: skip

SPLIT_NAMES = ("split", "subset", "partition")

_KNOWN = {*TEXT_NAMES, *LABEL_NAMES, *SPLIT_NAMES, *(name for pair in PAIR_NAMES for name in pair)}


@dataclass(frozen=True)
class ColumnChoice:
    """What the user said of the columns.

    Attributes:
        text: Names of the column of texts, or of the two of a pair; () to look for `PAIR_NAMES` and `TEXT_NAMES`.
        label: Name of the column of labels; "" to look for `LABEL_NAMES`.
    """

    text: tuple[str, ...] = ()
    label: str = ""

    def is_header(self, cells: Sequence[str]) -> bool:
        """Whether a first line holds names: one that was asked for, or one that is known. Who asks for columns by
        number says that there is no header."""
        asked = {name.lower() for name in (*self.text, self.label) if name}
        is_by_number = bool(asked) and all(name.isdigit() for name in asked)
        return not is_by_number and not (_KNOWN | asked).isdisjoint(cell.strip().lower() for cell in cells)


@dataclass(frozen=True)
class FoundColumns:
    """What was found, by the names of the table itself.

    Attributes:
        text: One column, or the two of a pair.
        label, split: None where there is no such column.
    """

    text: tuple[str, ...]
    label: str | None = None
    split: str | None = None


def find_named_columns(names: Sequence[str], wanted: ColumnChoice, table: str) -> FoundColumns:
    """The columns of a table whose columns have names.

    Args:
        table: What the table is called in messages.

    Raises:
        InputError: no column of texts, or not the one wanted; says which columns there are.
    """
    own = {name.strip().lower(): name for name in reversed(names)}
    label = next((own[name] for name in _or_known(wanted.label, LABEL_NAMES) if name in own), None)
    split = next((own[name] for name in SPLIT_NAMES if name in own), None)
    if wanted.text:
        _require(wanted.text, own, table)
        text = tuple(own[name.lower()] for name in wanted.text)
    else:
        text = _found_text(own, {label, split})
        if not text:
            raise _not_found(names, table)
    twice = [repr(name) for name in {*text, label, split} if name is not None and names.count(name) > 1]
    if twice:
        raise InputError(f"{table} has several columns called {', '.join(twice)}", fix="give every column its own name")
    return FoundColumns(text, label, split)


def find_numbered_columns(cells: Sequence[str], wanted: ColumnChoice, table: str) -> FoundColumns:
    """The columns of a table without a header, which are called 1, 2, and so on.

    Without being told: the only column; of two, one of which starts with a single word, that is the label; CoLA's four
    (source, label, mark, sentence).

    Args:
        cells: The first line.

    Raises:
        InputError: no telling which is the text.
    """
    own = {str(number): str(number) for number in range(len(cells), 0, -1)}
    found = _guessed(cells)
    if wanted.text:
        _require(wanted.text, own, table)
        label = found.label if found is not None and found.text == wanted.text else None
        found = FoundColumns(wanted.text, label)
    if found is None:
        raise _not_found(cells, table)
    if wanted.label:
        _require((wanted.label,), own, table)
        found = FoundColumns(found.text, wanted.label)
    return found


def _found_text(own: dict[str, str], others: set[str | None]) -> tuple[str, ...]:
    """The column or the two with a known name, else the only one beside some others; () where there is none."""
    for candidates in (*PAIR_NAMES, *((name,) for name in TEXT_NAMES)):
        if all(name in own for name in candidates):
            return tuple(own[name] for name in candidates)
    left = [name for name in own.values() if name not in others]
    return tuple(left) if len(left) == 1 else ()


def _guessed(cells: Sequence[str]) -> FoundColumns | None:
    if len(cells) == 1:
        return FoundColumns(("1",))
    is_word = [len(cell.split()) == 1 for cell in cells]
    if len(cells) == 2 and is_word[0] != is_word[1]:
        return FoundColumns(("2",), "1") if is_word[0] else FoundColumns(("1",), "2")
    if len(cells) == 4 and cells[1] in ("0", "1") and cells[2] in ("", "*"):
        return FoundColumns(("4",), "2")
    return None


def _or_known(name: str, known: Sequence[str]) -> Sequence[str]:
    return (name.lower(),) if name else known


def _require(wanted: Sequence[str], own: dict[str, str], table: str) -> None:
    for name in wanted:
        if name.lower() not in own:
            raise InputError(
                f"{table} has no column {name!r}",
                fix=f"its columns are: {', '.join(map(repr, reversed(own.values())))[:500]}",
            )


def _not_found(cells: Sequence[str], table: str) -> InputError:
    return InputError(
        f"{table} has no column known to hold texts; its first line is: {', '.join(map(repr, cells))[:500]}",
        fix="name the column by the option text=NAME (two of a pair: text=NAME,NAME; where there is no header, by its "
        f"number: text=2), or call it one of {', '.join(TEXT_NAMES)}",
    )
