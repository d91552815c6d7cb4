"""A report's page: sections one after another in one HTML file that loads nothing."""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib import resources

from mt_core.io.chart import chart_style


class Page:
    """An HTML page, built from the top down. It has no script, and is light or dark as its reader's system is."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._top: list[str] = []
        self._sections: list[tuple[str, list[str]]] = []

    def section(self, title: str) -> None:
        """What is added from here on stands under this heading."""
        self._sections.append((title, []))

    def add(self, fragment: str) -> None:
        """A piece of HTML."""
        (self._sections[-1][1] if self._sections else self._top).append(fragment)

    def say(self, text: str) -> None:
        """A paragraph."""
        self.add(f"<p>{html.escape(text)}</p>")

    def note(self, text: str) -> None:
        """A paragraph of what is to be known of the numbers above, or why there are none."""
        self.add(f'<p class="note">{html.escape(text)}</p>')

    def charts(self, figures: Sequence[str]) -> None:
        """Figures side by side, as far as there is room."""
        if figures:
            self.add(f'<div class="charts">{"".join(figures)}</div>')

    def html(self) -> bytes:
        """The file's content."""
        style = chart_style() + (resources.files("mt_report") / "style.css").read_text("utf-8")
        filled = [(f"s{number}", title, parts) for number, (title, parts) in enumerate(self._sections) if parts]
        links = "".join(f'<li><a href="#{name}">{html.escape(title)}</a></li>' for name, title, _ in filled)
        body = "\n".join(
            f'<section aria-labelledby="{name}"><h2 id="{name}">{html.escape(title)}</h2>{"".join(parts)}</section>'
            for name, title, parts in filled
        )
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{html.escape(self.title)}</title><style>{style}</style></head>"
            f"<body><header><h1>{html.escape(self.title)}</h1></header><main>{''.join(self._top)}"
            f'<nav aria-label="Sections"><ul>{links}</ul></nav>{body}</main></body></html>\n'
        ).encode(errors="backslashreplace")
