"""Samples of files as a page, and as one picture."""

from __future__ import annotations

from collections.abc import Sequence

from mt_core.embedding.sample_pictures import encoded
from mt_core.embedding.shown import as_png
from mt_core.errors import EmbeddingError
from mt_core.inspection.cards import CARD_STYLE, Card, cards
from mt_core.inspection.looking import Looked
from mt_core.inspection.own_pictures import enlarged, own_picture
from mt_core.inspection.panel_lines import picture_lines
from mt_core.inspection.sample_lines import fact_rows, title_of
from mt_core.io.counted import counted
from mt_core.io.html import Page
from mt_core.model import MetaTransformer

_SIDE = 256
_WIDTH = 76  # characters of what is drawn in them


def sample_sheet(looked: Sequence[Looked]) -> bytes:
    """What the encoder sees of each, as the content of a PNG: one row a sample.

    Raises:
        EmbeddingError: there is nothing to draw.
    """
    drawn = [each.drawn.pictures for each in looked if each.drawn is not None]
    if not any(drawn):
        raise EmbeddingError("none of the samples can be drawn", fix="give --out a name that ends in .html")
    return as_png(drawn)


def sample_page(model: MetaTransformer, looked: Sequence[Looked]) -> bytes:
    """What was read of each, and what the encoder sees, as the content of an HTML file."""
    page = Page(f"{model.modality}: {counted(len(looked), 'sample')}", CARD_STYLE)
    page.note(f"What was read of each, and what the encoder sees of it. Encoder: {model.encoder.description}")
    page.parts.append(cards([_card(each) for each in looked]))
    return page.html()


def _card(looked: Looked) -> Card:
    """The sample as it was read, and beside a picture of it what the encoder sees."""
    rows = [(name, said) for name, said in fact_rows(looked)]
    rows += [(notice.kind, notice.what) for notice in looked.notices]
    note = "" if looked.error is None else f"cannot be read: {looked.error.problem}"
    own = own_picture(looked.sample)
    pictures = [] if own is None else [own]
    if own is None and looked.seen is not None and looked.seen.picture is not None and looked.drawn is not None:
        pictures = [looked.seen.picture] if looked.drawn.kind == "tokens" else []
    if looked.drawn is not None and not (looked.seen is not None and looked.seen.text):
        pictures += looked.drawn.pictures[:1]
    lines = picture_lines(looked, _WIDTH) if own is None else []
    shown = tuple(encoded(enlarged(picture, _SIDE), _SIDE) for picture in pictures)
    return Card(title_of(looked), "", shown, tuple(lines), tuple(rows), note)
