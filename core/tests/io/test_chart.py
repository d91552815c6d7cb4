"""Charts as SVG."""

import re

from mt_core.io.chart import Chart, line_chart
from mt_core.io.html import Page

MISSING = float("nan")


def test_the_only_known_point_of_a_line_stands_at_its_own_place():
    chart = Chart("title", "x", "y", (0, 10), (0, 1))
    chart.line([1.0, 6.0], [MISSING, 0.5], 0)
    assert f'cx="{chart.x(6.0):.1f}"' in chart.html("said")


def test_what_a_series_is_compared_with_has_its_colour_and_is_dashed():
    drawn = line_chart("title", "step", [0, 10], {"one": [1.0, 2.0], "other": [1.0, 3.0]}, levels={"other": 0.5})
    lines = re.findall(r'class="data line (k\d)( dashed)?"', drawn.html(""))
    assert lines == [("k0", ""), ("k1", ""), ("k1", " dashed")]


def test_all_that_is_drawn_is_within_the_axes():
    chart = line_chart("title", "step", [0, 10], {"one": [1.0, 2.0]}, levels={"one": -4})
    assert chart.y.low < -4 and chart.y.high > 2 and chart.x.low < 0 and chart.x.high > 10


def test_a_page_has_the_style_of_charts_where_it_has_a_chart():
    page = Page("title")
    page.charts([])
    assert b"--k0" not in page.html()
    page.charts([line_chart("title", "step", [0, 1], {"one": [1.0, 2.0]}).html("said")])
    assert b"--k0" in page.html()
