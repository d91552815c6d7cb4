"""What was found in data, as a page; and examples of each class as one picture."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence

from mt_core.contract import ModalityDataset
from mt_core.embedding.sample_pictures import SampleViewer, Seen, encoded
from mt_core.embedding.shown import as_png
from mt_core.errors import EmbeddingError
from mt_core.inspection.cards import CARD_STYLE, Card, cards, listed_facts
from mt_core.inspection.check_lines import copies_line, num_read_line, spread_lines, unreadable_line, verdict
from mt_core.inspection.copies import Copies
from mt_core.inspection.data_check import DataCheck
from mt_core.inspection.examples import examples_of, seen_of
from mt_core.inspection.opening import OpenedData
from mt_core.inspection.own_pictures import enlarged
from mt_core.inspection.targets import ClassCounts
from mt_core.io.html import Page
from mt_core.io.notices import notice_lines
from mt_core.model import MetaTransformer

_MOST_LISTED, _MOST_SHOWN = 100, 6
_SIDE, _LEAST = 176, 88


def check_page(model: MetaTransformer, opened: OpenedData, check: DataCheck, relative: Callable[[str], str]) -> bytes:
    """The content of an HTML file."""
    page = Page(f"{model.modality}: {opened.root.name or opened.root}", CARD_STYLE)
    bad = "" if check.is_fine else " bad"
    page.parts.append(f'<p class="verdict{bad}">{html.escape(verdict(check))}</p>')
    lines = (*opened.lines, num_read_line(check))
    page.parts.append(listed_facts([(name, said.strip()) for name, _, said in (line.partition(":") for line in lines)]))
    if check.targets.remarks:
        page.heading("To look at")
        _listed(page, check.targets.remarks)
    if check.targets.classes is not None:
        page.heading(f"Classes, in {check.targets.classes.of}")
        page.parts.append(_class_table(check.targets.classes))
    for spread in check.targets.spreads:
        page.heading(f"Target {spread.name}")
        page.parts.append(f"<pre>{html.escape(chr(10).join(spread_lines(spread)))}</pre>")
    _findings(page, model, check, relative)
    page.heading("What the samples hold")
    page.parts.append(listed_facts([(name or "sample", str(each)) for name, each in check.ranges.items()]))
    notices = notice_lines([*opened.notices, *check.notices])
    if notices:
        page.heading("Left out or reinterpreted")
        _listed(page, notices)
    if opened.parts:
        _examples(page, model, next(iter(opened.parts.values())), relative)
    return page.html()


def example_sheet(model: MetaTransformer, parts: Mapping[str, ModalityDataset]) -> bytes:
    """Examples of each class of the part that is trained on, a row a class, as the content of a PNG.

    Raises:
        EmbeddingError: samples that are no pictures and cannot be drawn.
    """
    rows = []
    for part in list(parts.values())[:1]:
        for _, shown in examples_of(model, part, a_class=8):
            rows.append([enlarged(seen.picture, _LEAST) for _, seen in shown if seen.picture is not None])
    if not any(rows):
        raise EmbeddingError("the samples cannot be drawn", fix="give --out a name that ends in .html")
    return as_png([row for row in rows if row])


def _findings(page: Page, model: MetaTransformer, check: DataCheck, relative: Callable[[str], str]) -> None:
    others = [each for each in check.copies if not each.is_leak and not each.is_conflict]
    for title, found, is_fault in (
        ("Leaks: the same sample in two parts", check.leaks, True),
        ("Conflicts: the same sample with two labels", check.conflicts, True),
        ("Duplicates within a part", others, False),
        ("Alike: samples that differ, and of which the encoder gets the same", check.alike, False),
    ):
        _copies(page, title, check, found, relative)
        if is_fault:
            _shown(page, model, check, found[:_MOST_SHOWN], relative)
    if check.unreadable:
        page.heading(f"Cannot be read: {len(check.unreadable):,}")
        lines = [unreadable_line(each, relative) for each in check.unreadable]
        _listed(page, _shortened(lines))


def _copies(page: Page, title: str, check: DataCheck, found: Sequence[Copies], relative: Callable[[str], str]) -> None:
    if found:
        page.heading(f"{title}: {len(found):,}")
        lines = [copies_line(check, each, relative) for each in found[:_MOST_LISTED]]
        more = [f"and {len(found) - _MOST_LISTED:,} more"] if len(found) > _MOST_LISTED else []
        _listed(page, [*lines, *more])


def _shown(
    page: Page, model: MetaTransformer, check: DataCheck, found: Sequence[Copies], relative: Callable[[str], str]
) -> None:
    """The samples of some groups, the first two of each, side by side."""
    if check.example is None:
        return
    viewer = SampleViewer(model)
    for each in found:
        shown = []
        for number in each.members[:2]:
            member = check.member(number)
            said = " ".join(filter(None, [member.part, relative(member.name), f"[{member.label}]" * each.is_conflict]))
            shown.append(_card(said, seen_of(viewer, *check.example(number))))
        page.parts.append(cards(shown))


def _shortened(lines: Sequence[str]) -> list[str]:
    more = [f"and {len(lines) - _MOST_LISTED:,} more"] if len(lines) > _MOST_LISTED else []
    return [*lines[:_MOST_LISTED], *more]


def _listed(page: Page, lines: Sequence[str]) -> None:
    page.parts.append(f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>")


def _class_table(classes: ClassCounts) -> str:
    parts = list(classes.parts)
    first = classes.parts[parts[0]]
    most = max(first, default=0) or 1
    head = "".join(f'<th scope="col">{html.escape(part)}</th>' for part in parts)
    rows = []
    for index in sorted(range(len(classes.names)), key=lambda each: (-first[each], each)):
        counts = "".join(f'<td class="number">{classes.parts[part][index]:,}</td>' for part in parts)
        width = f"{100 * first[index] / most:.1f}%"
        name = html.escape(classes.names[index])
        drawn = f'<td class="bars"><span class="bar" style="width:{width}"></span></td>'
        rows.append(f'<tr><th scope="row">{name}</th>{counts}{drawn}</tr>')
    if any(classes.unknown.values()):
        counts = "".join(f'<td class="number">{classes.unknown[part]:,}</td>' for part in parts)
        rows.append(f'<tr><th scope="row">(no label)</th>{counts}<td></td></tr>')
    return f'<div class="scroll"><table><tr><td></td>{head}<td></td></tr>{"".join(rows)}</table></div>'


def _examples(page: Page, model: MetaTransformer, part: ModalityDataset, relative: Callable[[str], str]) -> None:
    page.heading("Examples of the part that is trained on")
    for name, shown in examples_of(model, part):
        if name:
            page.parts.append(f"<h3>{html.escape(name)}</h3>")
        page.parts.append(cards([_card(relative(called), seen) for called, seen in shown]))


def _card(name: str, seen: Seen) -> Card:
    pictures = () if seen.picture is None else (encoded(enlarged(seen.picture, _LEAST), _SIDE),)
    return Card(name, "" if seen.cells else seen.text, pictures, rows=seen.cells[:14], note=seen.note)
