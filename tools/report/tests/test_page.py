"""A report is one file that loads nothing, has no empty chart, and can be read without seeing it."""

import re

import pytest

TASKS = (
    "classification",
    "multilabel",
    "regression",
    "forecasting",
    "segmentation",
    "scenes",
    "steps",
    "sounds",
    "detection",
    "retrieval",
)
QUICK = ("classification", "regression")
EVERY = [pytest.param(task, marks=[] if task in QUICK else pytest.mark.slow) for task in TASKS]

SECTIONS = {
    "classification": ("Classes", "Scores"),
    "multilabel": ("Labels", "Scores"),
    "regression": ("Numbers",),
    "forecasting": ("Forecasts", "A typical forecast"),
    "segmentation": ("Classes",),
    "scenes": ("Classes",),
    "steps": ("Classes",),
    "sounds": ("Classes",),
    "detection": ("Classes",),
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
    assert {alt.partition(" of ")[0] for alt in pictures} == {"picture", "truth", "prediction", "mistakes"}


@pytest.mark.slow
def test_clouds_are_shown_by_true_and_by_predicted_class(html, reported):
    clouds = [each["attrs"] for each in html.Elements(reported("scenes")[1]).of("img")]
    assert {each["alt"].partition(" of ")[0] for each in clouds} == {"truth", "prediction", "points"}
    assert all(".csv" in each["alt"] for each in clouds)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["steps", "sounds"])
def test_steps_are_shown_on_an_axis_of_time_beside_the_truth(html, reported, task):
    charts = [each for each in html.Elements(reported(task)[1]).of("svg") if each["attrs"].get("class") == "strips"]
    assert charts
    for chart in charts:
        said = [element["text"] for element in chart["inner"] if element["tag"] == "text"]
        assert {"truth", "prediction", "wrong"} < set(said)
        assert any(("seconds" if task == "sounds" else "time, from 2024-03-01") in each for each in said)
        assert any(element["tag"] == "image" for element in chart["inner"]) == (task == "sounds")


@pytest.mark.slow
def test_objects_are_framed_in_the_truth_and_in_what_was_found(html, reported):
    page = html.Elements(reported("detection")[1])
    framed = [each for each in page.of("svg") if each["attrs"].get("class") == "framed"]
    assert len(framed) in range(2, 17, 2)
    assert {each["attrs"]["aria-label"].partition(" of ")[0] for each in framed} == {"truth", "found"}
    of_truth = framed[0]
    frames = [each for each in of_truth["inner"] if "data frame" in each["attrs"].get("class", "")]
    assert frames and all(float(each["attrs"]["width"]) in (10, 4) for each in frames)


def test_what_was_not_measured_is_said(html, reported):
    text = reported("regression")[1]
    assert "Controls were not measured" in text
    assert "says nothing of their uncertainty" in text
