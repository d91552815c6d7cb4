"""A report is one file that loads nothing, has no empty chart, and can be read without seeing it."""

import re

import pytest

TASKS = ("classification", "multilabel", "regression", "forecasting", "segmentation", "retrieval")
QUICK = ("classification", "regression")
EVERY = [pytest.param(task, marks=[] if task in QUICK else pytest.mark.slow) for task in TASKS]

SECTIONS = {
    "classification": ("Classes", "Scores"),
    "multilabel": ("Labels", "Scores"),
    "regression": ("Numbers",),
    "forecasting": ("Forecasts", "A typical forecast"),
    "segmentation": ("Classes",),
    "retrieval": ("Ranks",),
}


@pytest.mark.parametrize("task", EVERY)
def test_a_report_loads_nothing_and_is_small(html, reported, task):
    written, text = reported(task)
    assert html.loaded_from_outside(text) == []
    assert written.bytes == written.file.stat().st_size < 5_000_000


@pytest.mark.parametrize(
    "text",
    ['<img src="https://a.b/c.png">', "<style>@import 'x.css';</style>", "<script>1</script>", '<link href="x.css">'],
)
def test_what_is_loaded_is_found(html, text):
    assert len(html.loaded_from_outside(text)) == 1


@pytest.mark.parametrize("task", EVERY)
def test_no_chart_is_empty_and_each_has_a_name(html, reported, task):
    page = html.Elements(reported(task)[1])
    charts = page.of("svg")
    assert len(charts) >= 2
    for chart in charts:
        assert chart["attrs"]["role"] == "img" and len(chart["attrs"]["aria-label"]) > 20
        assert any("data" in element["attrs"].get("class", "").split() for element in chart["inner"])
    assert all(len(picture["attrs"]["alt"]) > 5 for picture in page.of("img"))
    assert all(table["text"].strip() for table in page.of("table"))


@pytest.mark.parametrize("task", EVERY)
def test_numbers_are_finite_where_they_are_drawn(html, reported, task):
    drawn = [
        element["attrs"].get(name) or ""
        for element in html.Elements(reported(task)[1]).found
        for name in ("d", "cx", "cy", "width", "height")
    ]
    assert not {"nan", "inf", "none"} & set(re.findall("[a-z]+", " ".join(drawn).lower()))


@pytest.mark.parametrize("task", EVERY)
def test_every_section_is_there_and_has_a_link(html, reported, task):
    page = html.Elements(reported(task)[1])
    headings = {element["attrs"]["id"]: element["text"] for element in page.of("h2")}
    links = {link["attrs"]["href"].removeprefix("#"): link["text"] for link in page.of("a")}
    assert headings == links
    common = ("Result", "Training", *SECTIONS[task], "The worst mistakes", "Map of vectors", "Cost", "How it was made")
    assert [title for title in common if title not in headings.values()] == []
    assert [element["tag"] for element in page.found if element["tag"] in ("h1", "h2", "h3")][:2] == ["h1", "h2"]


def test_samples_are_shown_in_their_own_terms(html, reported):
    cards = [
        element
        for element in html.Elements(reported("regression")[1]).of("li")
        if element["attrs"].get("class") == "card"
    ]
    names = {cell["text"] for card in cards for cell in card["inner"] if cell["tag"] == "dt"}
    assert len(cards) == 8 and names == {"a", "b"}


@pytest.mark.slow
def test_masks_are_shown_beside_their_predictions(html, reported):
    pictures = [picture["attrs"]["alt"] for picture in html.Elements(reported("segmentation")[1]).of("img")]
    assert {alt.partition(" of ")[0] for alt in pictures} == {"picture", "truth", "prediction"}


def test_what_was_not_measured_is_said(html, reported):
    text = reported("regression")[1]
    assert "Controls were not measured" in text
    assert "says nothing of their uncertainty" in text
