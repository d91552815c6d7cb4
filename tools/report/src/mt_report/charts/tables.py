"""Tables that are looked at rather than read: bars beside names, a confusion matrix in colours."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mt_report.text import number, short


def bars(title: str, header: tuple[str, str], rows: Sequence[tuple[str, float, str]], highest: float = 1.0) -> str:
    """Names, values and bars from 0.

    Args:
        header: Of the names and of the values.
        rows: Name, value (NaN: not known), and a remark.
    """
    lines = []
    for name, value, remark in rows:
        share = 0.0 if math.isnan(value) else max(0.0, min(1.0, value / highest))
        bar = f'<span class="bar-of" style="width:{share:.1%}"></span>'
        lines.append(
            f'<tr><th scope="row">{html.escape(short(name))}</th><td class="number">{number(value)}</td>'
            f'<td class="bar-cell">{bar}</td><td>{html.escape(remark)}</td></tr>'
        )
    name, of_values = map(html.escape, header)
    head = f'<tr><th scope="col">{name}</th><th scope="col">{of_values}</th><td></td><td></td></tr>'
    return _scrolling(
        f'<table class="bars"><caption>{html.escape(title)}</caption>{head}{"".join(lines)}</table>', title
    )


def confusion_table(title: str, cells: NDArray[np.int64], names: Sequence[str], unit: str = "samples") -> str:
    """True classes as rows, predicted ones as columns; the darker a cell, the larger its share of its row."""
    head = "".join(
        f'<th scope="col"><span class="upright">{html.escape(short(name, 24))}</span></th>' for name in names
    )
    rows = []
    for name, row in zip(names, cells, strict=True):
        total = max(1, int(row.sum()))
        shown = "".join(
            f'<td class="number shade" style="--v:{count / total:.3f}" title="{count / total:.1%} of its row">'
            f"{count:,}</td>"
            for count in row.tolist()
        )
        rows.append(f'<tr><th scope="row">{html.escape(short(name, 24))}</th>{shown}</tr>')
    corner = '<td class="corner">true ↓ predicted →</td>'
    caption = f"<caption>{html.escape(title)} ({html.escape(unit)})</caption>"
    return _scrolling(f'<table class="confusion">{caption}<tr>{corner}{head}</tr>{"".join(rows)}</table>', title)


def plain_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], *, caption: bool = False) -> str:
    """Cells of text, the first of a row its heading; cells that begin with a digit stand to the right."""
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' if name else "<td></td>" for name in header)
    lines = []
    for first, *others in rows:
        cells = "".join(f"<td{_alignment(cell)}>{html.escape(cell)}</td>" for cell in others)
        lines.append(f'<tr><th scope="row">{html.escape(first)}</th>{cells}</tr>')
    top = f"<tr>{head}</tr>" if any(header) else ""
    said = f"<caption>{html.escape(title)}</caption>" if caption else ""
    return _scrolling(f"<table>{said}{top}{''.join(lines)}</table>", title)


def _alignment(cell: str) -> str:
    return ' class="number"' if cell[:1].isdigit() or cell[:2].lstrip("-")[:1].isdigit() else ""


def _scrolling(table: str, title: str) -> str:
    """A table wider than a telephone is scrolled within its own box, also by keyboard."""
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{html.escape(title, quote=True)}">{table}</div>'
