"""Which columns of a table hold the text, its label, its group and its split."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mt_core.errors import InputError
from mt_core.sdk import is_number, left_out, reinterpreted
from mt_plugin_text.guesses import has_unknown_header, only_column_of_texts

TEXT_NAMES = (
    "sentence", "text", "review", "content", "question", "comment", "tweet", "message", "body", "document", "utterance",
    "reviewtext", "commenttext", "tweettext", "messagetext", "statement", "phrase", "passage", "paragraph", "abstract",
    "description", "caption", "headline", "title",
)  # fmt: skip
"""Names by which a column of texts is known, see `plain`; of several the first in this order."""

PAIR_NAMES = (
    ("sentence1", "sentence2"), ("premise", "hypothesis"), ("question1", "question2"), ("question", "sentence"),
    ("text1", "text2"), ("#1string", "#2string"),
)  # fmt: skip
"""Two columns that together are a sample; they come before single ones."""

LABEL_NAMES = (
    "label", "goldlabel", "labels", "class", "category", "sentiment", "target", "intent", "isduplicate", "quality",
    "airlinesentiment", "polarity", "emotion", "stars", "rating",
)  # fmt: skip

SPLIT_NAMES = ("split", "subset", "partition")

_KNOWN = {*TEXT_NAMES, *LABEL_NAMES, *SPLIT_NAMES, *(name for pair in PAIR_NAMES for name in pair)}


def plain(name: str) -> str:
    """A name as names are compared: "Review Text" and "review_text" are "reviewtext"."""
    return re.sub(r"[\s_-]+", "", name.lower())


@dataclass(frozen=True)
class ColumnChoice:
    """What the user said of the columns.

    Attributes:
        text: Names of the column of texts, or of the two of a pair; () to look for `PAIR_NAMES` and `TEXT_NAMES`.
        label: Name of the column of labels; "" to look for `LABEL_NAMES`.
        group: Name of the column that says which texts belong together; "" for none.
    """

    text: tuple[str, ...] = ()
    label: str = ""
    group: str = ""

    def is_header(self, rows: Sequence[Sequence[str]]) -> bool:
        """Whether the first row holds names: one that was asked for, or one that is known, or as `has_unknown_header`
        tells. Who asks for columns by number says that there is no header.

        Args:
            rows: The cells of the first rows.
        """
        asked = {plain(name) for name in (*self.text, self.label, self.group) if name}
        if asked and all(name.isdigit() for name in asked):
            return False
        return not (_KNOWN | asked).isdisjoint(map(plain, rows[0])) or has_unknown_header(rows)


@dataclass(frozen=True)
class FoundColumns:
    """What was found, by the names of the table itself.

    Attributes:
        text: One column, or the two of a pair.
        label, split, group: None where there is no such column.
    """

    text: tuple[str, ...]
    label: str | None = None
    split: str | None = None
    group: str | None = None


def find_named_columns(
    names: Sequence[str], wanted: ColumnChoice, table: str, rows: Sequence[Mapping[str, Any]] = ()
) -> FoundColumns:
    """The columns of a table whose columns have names.

    Args:
        table: What the table is called in messages.
        rows: The first ones. Where no name is known, the only column with cells of several words is taken.

    Raises:
        InputError: no column of texts, or not the one wanted; says which columns there are.
    """
    own = {plain(name): name for name in reversed(names)}
    group = _group_of(own, wanted, table)
    label = next((own[name] for name in _or_known(wanted.label, LABEL_NAMES) if own.get(name, group) != group), None)
    split = next((own[name] for name in SPLIT_NAMES if own.get(name, group) != group), None)
    if wanted.text:
        _require(wanted.text, own, table)
        text = tuple(own[plain(name)] for name in wanted.text)
    else:
        others = {label, split, group}
        text = _found_text(own, others, rows)
        if not text and (only := only_column_of_texts([name for name in names if name not in others], rows)):
            text = (only,)
            reinterpreted(table, f"the column {only} as that of the texts")
        if not text:
            raise _not_found(names, table)
        if unread := [own[name] for name in TEXT_NAMES if name in own and own[name] not in (*text, label, group)]:
            left_out(table, f"the texts in {', '.join(unread)} beside {' and '.join(text)}")
    twice = [repr(name) for name in {*text, label, split, group} if name is not None and names.count(name) > 1]
    if twice:
        raise InputError(f"{table} has several columns called {', '.join(twice)}", fix="give every column its own name")
    return FoundColumns(text, label, split, group)


def find_numbered_columns(cells: Sequence[str], wanted: ColumnChoice, table: str) -> FoundColumns:
    """The columns of a table without a header, which are called 1, 2, and so on.

    Without being told: the only column; of two, one of which starts with a single word, that is the label; of three, a
    number and two texts, the number is the label of the pair; CoLA's four (source, label, mark, sentence).

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
    if len(found.text) == 2 and not wanted.text:
        reinterpreted(table, "columns 2 and 3 as a pair of texts, and 1 as its label")
    if wanted.label:
        _require((wanted.label,), own, table)
        found = FoundColumns(found.text, wanted.label)
    return replace(found, group=_group_of(own, wanted, table))


def _group_of(own: dict[str, str], wanted: ColumnChoice, table: str) -> str | None:
    """The column of groups, where one is asked for.

    Raises:
        InputError: it is not there; or it is that of the texts or the labels.
    """
    if not wanted.group:
        return None
    _require((wanted.group,), own, table)
    if plain(wanted.group) in {plain(name) for name in (*wanted.text, wanted.label) if name}:
        raise InputError(f"{table}: {wanted.group!r} cannot be the group and the text or the label", fix="name another")
    return own[plain(wanted.group)]


def _found_text(own: dict[str, str], others: set[str | None], rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The column or the two with a known name, else the only one beside some others, unless it holds numbers; () where
    there is none."""
    for candidates in (*PAIR_NAMES, *((name,) for name in TEXT_NAMES)):
        if all(name in own and own[name] not in others for name in candidates):
            return tuple(own[name] for name in candidates)
    left = [name for name in own.values() if name not in others]
    are_numbers = len(left) == 1 and rows and all(is_number(str(row.get(left[0], ""))) for row in rows)
    return tuple(left) if len(left) == 1 and not are_numbers else ()


def _guessed(cells: Sequence[str]) -> FoundColumns | None:
    if len(cells) == 1:
        return FoundColumns(("1",))
    is_word = [len(cell.split()) == 1 for cell in cells]
    if len(cells) == 2 and is_word[0] != is_word[1]:
        return FoundColumns(("2",), "1") if is_word[0] else FoundColumns(("1",), "2")
    if len(cells) == 3 and cells[0].strip().isdigit() and not any(is_word[1:]):  # a class, a title and a text
        return FoundColumns(("2", "3"), "1")
    if len(cells) == 4 and cells[1] in ("0", "1") and cells[2] in ("", "*"):
        return FoundColumns(("4",), "2")
    return None


def _or_known(name: str, known: Sequence[str]) -> Sequence[str]:
    return (plain(name),) if name else known


def _require(wanted: Sequence[str], own: dict[str, str], table: str) -> None:
    for name in wanted:
        if plain(name) not in own:
            raise InputError(
                f"{table} has no column {name!r}",
                fix=f"its columns are: {', '.join(map(repr, reversed(own.values())))[:500]}",
            )


def _not_found(cells: Sequence[str], table: str) -> InputError:
    return InputError(
        f"{table} has no column known to hold texts; its first line is: {', '.join(map(repr, cells))[:500]}",
        fix="name the column by the option text=NAME (two of a pair: text=NAME,NAME; where there is no header, by its "
        f"number: text=2), or call it one of {', '.join(TEXT_NAMES[:11])}",
    )
