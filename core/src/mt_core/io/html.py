"""A page of text, tables and plots in one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mt_core.io.chart import chart_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2430; max-width: 1100px; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 2em }
table { border-collapse: collapse; font-size: 0.85em }
th, td { padding: .35em .55em; text-align: left; vertical-align: top }
th { border-bottom: 2px solid #8893a5 } td { border-bottom: 1px solid #dde2ea } td.number { text-align: right }
p.note { color: #566173 } img { max-width: 100% }
:root { color-scheme: light dark }
@media (prefers-color-scheme: dark) {
  body { color: #dfe4ec; background: #14181f } p.note { color: #a3aec0 }
  th { border-bottom-color: #6b778a } td { border-bottom-color: #2c3441 }
}
"""


class Page:
    """An HTML page, built from the top down; light or dark, as its reader's system is.

    Args:
        style: CSS of its own, after that of all pages.
    """

    def __init__(self, title: str, style: str = "") -> None:
        self.title, self.style = title, style
        self._has_charts = False
        self.parts = [f"<h1>{html.escape(title)}</h1>"]

    def heading(self, text: str) -> None:
        self.parts.append(f"<h2>{html.escape(text)}</h2>")

    def note(self, text: str) -> None:
        self.parts.append(f'<p class="note">{html.escape(text)}</p>')

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Cells that are numbers stand to the right."""
        head = "".join(f"<th>{html.escape(name)}</th>" for name in header)
        body = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows)
        self.parts.append(f"<table><tr>{head}</tr>{body}</table>")

    def figure(self, figure: Figure, alt: str) -> None:
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=110, bbox_inches="tight")
        self.picture(content.getvalue(), alt)

    def picture(self, png: bytes, alt: str) -> None:
        """The content of a PNG file."""
        encoded = base64.b64encode(png).decode()
        self.parts.append(f'<p><img alt="{html.escape(alt)}" src="data:image/png;base64,{encoded}"></p>')

    def charts(self, figures: Sequence[str]) -> None:
        """Charts side by side, as far as there is room."""
        if figures:
            self._has_charts = True
            self.parts.append(f'<div class="charts">{"".join(figures)}</div>')

    def html(self) -> bytes:
        head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        style = _STYLE + (chart_style() if self._has_charts else "") + self.style
        head += f"<title>{html.escape(self.title)}</title><style>{style}</style>"
        return ('<!doctype html><html lang="en">' + head + "\n".join(self.parts)).encode(errors="backslashreplace")


def _cell(value: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    text = f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if is_number else str(value)
    return f'<td class="number">{text}</td>' if is_number else f"<td>{html.escape(text)}</td>"


def new_figure(width: float, height: float, columns: int = 1) -> tuple[Figure, Any]:
    """A figure of some inches, drawn without a screen, and its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, columns, squeeze=False)[0]
