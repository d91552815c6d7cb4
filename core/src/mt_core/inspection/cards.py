"""Samples as cards of a page: a picture or a text, what is known of it, and its name."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass

CARD_STYLE = """
ul.cards { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 12px; align-items: stretch }
ul.cards > li { border: 1px solid #c5ccd8; border-radius: 8px; padding: 10px; max-width: 100%; box-sizing: border-box;
  overflow-wrap: anywhere; font-size: .85em; flex: 0 1 auto }
ul.cards.wide > li { flex: 1 1 300px; max-width: min(100%, 620px) }
ul.cards img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; border-radius: 4px }
ul.cards .pictures { display: flex; flex-wrap: wrap; gap: 8px; align-items: start }
ul.cards pre { margin: 0 0 8px; overflow-x: auto; line-height: 1.25 }
ul.cards blockquote { margin: 0; max-width: 30em; white-space: pre-wrap }
ul.cards dl { display: grid; grid-template-columns: minmax(5em, auto) 1fr; gap: 2px 10px; margin: 8px 0 0 }
ul.cards dt { color: #566173 } ul.cards dd { margin: 0 }
p.name { margin: 6px 0 0; color: #566173; max-width: 24em }
p.wrong { margin: 6px 0 0; color: #a40e26; font-weight: 600 }
th[scope=row] { border-bottom: 1px solid #dde2ea; font-weight: 500 } li { overflow-wrap: anywhere }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: 3px 1.2em; margin: 0; overflow-wrap: anywhere }
dl.facts dt { color: #566173; max-width: 40vw } dl.facts dd { margin: 0 }
.bar { display: inline-block; height: .7em; background: #4f6bd8; border-radius: 2px; vertical-align: baseline }
.scroll { overflow-x: auto } td.bars { min-width: 120px; width: 30% }
th[scope=col] { text-align: right }
.verdict { padding: .6em .9em; border-radius: 8px; border-left: 5px solid #2d8659; background: #2d865922 }
.verdict.bad { border-left-color: #a40e26; background: #a40e2622 }
@media (prefers-color-scheme: dark) {
  ul.cards > li { border-color: #3a4352 } ul.cards dt, p.name { color: #a3aec0 } p.wrong { color: #ff8b98 }
  th[scope=row] { border-bottom-color: #2c3441 } dl.facts dt { color: #a3aec0 } .bar { background: #8fa4ff }
}
"""


@dataclass(frozen=True)
class Card:
    """A sample.

    Attributes:
        name: How it is called.
        text: Of it; "" where it is none.
        pictures: "png" or "jpeg" and the content of each.
        lines: It, drawn in characters.
        rows: Names and what is known.
        note: What is wrong with it.
    """

    name: str
    text: str = ""
    pictures: tuple[tuple[str, bytes], ...] = ()
    lines: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    note: str = ""


def cards(shown: Sequence[Card]) -> str:
    """A list of cards in HTML; wide ones where they have rows."""
    wide = " wide" if any(card.rows for card in shown) else ""
    return f'<ul class="cards{wide}">{"".join(map(_card, shown))}</ul>'


def listed_facts(rows: Sequence[tuple[str, str]]) -> str:
    """Names and what is known of each, in HTML."""
    return (
        "<dl class='facts'>"
        + "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(said)}</dd>" for name, said in rows)
        + "</dl>"
    )


def _card(card: Card) -> str:
    parts = []
    for form, content in card.pictures:
        data = base64.b64encode(content).decode()
        parts.append(f'<img alt="{html.escape(card.name, quote=True)}" src="data:image/{form};base64,{data}">')
    if card.pictures:
        parts = [f'<div class="pictures">{"".join(parts)}</div>']
    if card.lines:
        parts.append(f"<pre>{html.escape(chr(10).join(card.lines))}</pre>")
    if card.text:
        parts.append(f"<blockquote>{html.escape(card.text)}</blockquote>")
    if card.note:
        parts.append(f'<p class="wrong">{html.escape(card.note)}</p>')
    if card.rows:
        rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(said)}</dd>" for name, said in card.rows)
        parts.append(f"<dl>{rows}</dl>")
    return f'<li>{"".join(parts)}<p class="name">{html.escape(card.name)}</p></li>'
