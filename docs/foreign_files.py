"""docs/foreign-files.md, from the marks of the tests: `python docs/foreign_files.py`.

@pytest.mark.foreign_file("first row start times, second the rate", "wrist sensor, CSV", "read: 32 Hz, 320 rows")

The marks are read from the source, without an import of the tests, so their words have to be written out there.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from modality_pages import table

from mt_core.errors import MtError
from mt_core.plugins.official import OFFICIAL

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "foreign-files.md"

CORE = "core"
"""Stands for the tests of the core: what is the same for every modality."""

RESULTS = ("read, told", "read", "refused")
"""How the words of a result begin; the first that fits counts."""

_FIELDS = ("case", "source", "result")
_MARK = ("pytest", "mark", "foreign_file")

_BEGINNING = """# Files of others

Files as other programs write them, and what happens to each. A case is a test: it writes such a file, reads it, and
compares with another library's reading or with the values that were written. Nothing is read wrongly in silence. A file
is read. Or it is read, and what was left out or taken for something else is *told* at the end of the command
(`--strict` makes an error of that). Or it is refused, with what to do.

This page is made from the tests: `python docs/foreign_files.py`."""


class ForeignFile(NamedTuple):
    """One case.

    Attributes:
        modality: Of the plugin whose test it is, or "core".
        case: How the file differs from the clean case.
        source: What writes such files.
        result: What happens, beginning with one of `RESULTS`.
        test: The file of the test, from the root of the repository.
    """

    modality: str
    case: str
    source: str
    result: str
    test: str

    @property
    def outcome(self) -> str:
        """The one of `RESULTS` that the result begins with; "" for none."""
        return next((each for each in RESULTS if re.match(rf"{each}\b", self.result)), "")


def foreign_files(root: Path = ROOT) -> list[ForeignFile]:
    """The cases of all tests, in the order of the modalities, of the files and of the lines.

    Raises:
        MtError: a mark whose words are not written out.
    """
    found = []
    for modality, folder in [
        *((name, root / "plugins" / name / "tests") for name in OFFICIAL),
        (CORE, root / "core/tests"),
    ]:
        for path in sorted(folder.rglob("test_*.py")):
            test = path.relative_to(root).as_posix()
            found += [ForeignFile(modality, *words, test) for words in _marks(path, test)]
    return found


def _marks(path: Path, test: str) -> Iterator[tuple[str, str, str]]:
    """The words of each mark in a file."""
    text = path.read_text("utf-8")
    if _MARK[-1] not in text:
        return
    tree = ast.parse(text)
    names = {".".join(_MARK), *_aliases(tree)}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) in names]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        words: list[object] = []
        for argument in [*call.args, *(each.value for each in call.keywords)]:
            try:
                words.append(ast.literal_eval(argument))
            except ValueError:
                words.append(None)
        keys = [*_FIELDS[: len(call.args)], *(each.arg for each in call.keywords)]
        given = dict(zip(keys, words, strict=True))
        if set(given) != set(_FIELDS) or not all(isinstance(word, str) and word for word in words):
            raise MtError(
                f"{test}, line {call.lineno}: the mark foreign_file has other words than case, source and result",
                fix="write the three out in the mark, as text",
            )
        yield str(given["case"]), str(given["source"]), str(given["result"])


def _aliases(tree: ast.Module) -> Iterator[str]:
    """Names that a file gives to the mark: `foreign = pytest.mark.foreign_file`."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.value) == ".".join(_MARK):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def page(cases: Iterable[ForeignFile]) -> str:
    """The page: counts, and a table for each modality."""
    by_modality: dict[str, list[ForeignFile]] = {}
    for each in cases:
        by_modality.setdefault(each.modality, []).append(each)
    counts = {name: Counter(each.outcome for each in some) for name, some in by_modality.items()}
    rows: list[tuple[object, ...]] = [
        (
            f"[{name}](#{name})",
            len(by_modality[name]),
            *(counts[name][each] for each in ("read", "read, told", "refused")),
        )
        for name in by_modality
    ]
    total = sum(counts.values(), Counter())
    rows.append(("all", total.total(), *(total[each] for each in ("read", "read, told", "refused"))))
    parts = [_BEGINNING, table(("modality", "cases", "read", "read, told", "refused"), rows)]
    for name, some in by_modality.items():
        cells = ([_escaped(word) for word in each[1:4]] for each in some)
        parts += [f"## {name}", table(("case", "what writes it", "what happens"), cells)]
    return "\n\n".join(parts) + "\n"


def _escaped(text: str) -> str:
    """Text whose < begins no tag; in code it would not."""
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in re.split("(`[^`]*`)", text))


if __name__ == "__main__":
    every = foreign_files()
    PAGE.write_text(page(every), encoding="utf-8")
    print(f"{len(every)} cases, {PAGE.relative_to(ROOT)}")
