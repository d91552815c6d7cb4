"""A sheet of what is drawn, a row a family, and the report of a run."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from mt_core.io.chart import first_to_last, line_chart
from mt_core.io.html import Page
from mt_core.training.records import replace_file
from mt_pretrain.formulas.drawing import FAMILIES, draw
from mt_pretrain.formulas.module import MEASURED
from mt_pretrain.formulas.recipe import PretrainRecipe

SHEET, REPORT = "sheet.png", "report.html"
_COLUMNS, _CATEGORIES = 16, 6
_NOT_A_STEP = -1


def write_sheet(folder: Path, recipe: PretrainRecipe) -> bytes:
    """Write `sheet.png`: in each row sixteen pictures of the first categories of a family, in their order.

    Returns:
        The file's content.
    """
    from PIL import Image

    families = len(FAMILIES)
    categories = min(recipe.categories, families * _CATEGORIES)
    drawing = draw(recipe.seed, _NOT_A_STEP, count=families * _COLUMNS, size=recipe.size, categories=categories)
    order = drawing.category.argsort(stable=True)
    rows = [torch.cat(list(row), 2) for row in torch.split(drawing.pixels[order], _COLUMNS)]
    pixels = (torch.cat(rows, 1) * 255).round().to(torch.uint8).permute(1, 2, 0)
    content = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(content, format="PNG")
    replace_file(folder / SHEET, content.getvalue())
    return content.getvalue()


def write_report(folder: Path, record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], sheet: bytes) -> None:
    """Write `report.html`."""
    recipe = record["recipe"]
    page = Page(f"Pretraining {recipe['architecture']} on drawn pictures")
    page.note(f"{record['step']:,} of {recipe['steps']:,} steps, {record['step'] * recipe['batch_size']:,} pictures.")
    scored = [row for row in rows if "scores" in row]
    if scored:
        first, last = scored[0], scored[-1]
        page.heading("Real pictures, which training never sees")
        page.table(
            ("", f"step {first['step']} (random)", f"step {last['step']}"),
            [
                (f"{name}, {how}", first["scores"][name][how], value)
                for name, scores in last["scores"].items()
                for how, value in scores.items()
            ],
        )
    if rows:
        page.charts(_curves(rows, scored))
    page.heading("What is drawn")
    page.note("A row each: " + ", ".join(FAMILIES) + ".")
    encoded = base64.b64encode(sheet).decode()
    page.parts.append(f'<p><img alt="{html.escape("drawn pictures")}" src="data:image/png;base64,{encoded}"></p>')
    page.heading("How it was made")
    versions = [(f"version of {name}", value) for name, value in record["versions"].items()]
    page.table(
        ("", ""),
        [
            ("seconds of training", record["seconds"]),
            ("threads", record["threads"]),
            ("device", record["device"]),
            *((name, str(value)) for name, value in recipe.items()),
            *versions,
        ],
    )
    replace_file(folder / REPORT, page.html())


def _curves(rows: Sequence[Mapping[str, Any]], scored: Sequence[Mapping[str, Any]]) -> list[str]:
    trained = [row for row in rows if "scores" not in row]
    figures = []
    if trained:
        losses = {name.replace("_", " "): [row[name] for row in trained] for name in MEASURED}
        chart = line_chart("Losses of training", "step", [row["step"] for row in trained], losses)
        figures.append(chart.html(f"{first_to_last(losses)}."))
    if scored:
        kinds = {f"{name}, {how}": (name, how) for name, of in scored[0]["scores"].items() for how in of}
        scores = {title: [row["scores"][name][how] for row in scored] for title, (name, how) in kinds.items()}
        levels = {title: values[0] for title, values in scores.items()}
        chart = line_chart("Scores on real pictures", "step", [row["step"] for row in scored], scores, levels=levels)
        figures.append(chart.html(f"{first_to_last(scores)}; dashed: random."))
    return figures
