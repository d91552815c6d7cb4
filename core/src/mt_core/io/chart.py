"""A chart with two axes, built mark by mark, as an HTML figure."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from importlib import resources

from mt_core.io.scale import Scale, range_of, tick_text

WIDTH, HEIGHT = 340, 250
COLOURS = 10
"""Classes k0 … k9 of the style sheet."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 10, 10, 38


def chart_style() -> str:
    """The CSS of charts, light and dark, for the page that they stand on."""
    return (resources.files("mt_core.io") / "chart.css").read_text("utf-8")


class Chart:
    """Axes, and what is drawn on them.

    Args:
        title: What the chart shows, its heading and the beginning of its text for those who do not see it.
        x_label, y_label: Of the axes, with their units.
        x_range, y_range: The numbers at the ends of the axes.
        counts: Whether the first axis counts something, such as epochs.
    """

    def __init__(
        self,
        title: str,
        x_label: str,
        y_label: str,
        x_range: tuple[float, float],
        y_range: tuple[float, float],
        *,
        height: int = HEIGHT,
        counts: bool = False,
    ) -> None:
        self.title, self.height, self.counts = title, height, counts
        self.x = Scale(*x_range, _LEFT, WIDTH - _RIGHT)
        self.y = Scale(*y_range, height - _BOTTOM, _TOP)
        self._labels = (x_label, y_label)
        self._marks: list[str] = []
        self._legend: list[str] = []

    def line(
        self, xs: Sequence[float], ys: Sequence[float], colour: int, name: str = "", *, dashed: bool = False
    ) -> None:
        """A line through points; one that is not finite interrupts it. A single point is a dot."""
        path, is_open = [], False
        for x, y in zip(xs, ys, strict=True):
            if not (math.isfinite(x) and math.isfinite(y)):
                is_open = False
                continue
            path.append(f"{'L' if is_open else 'M'}{self.x(x):.1f} {self.y(y):.1f}")
            is_open = True
        if len(path) == 1:
            x, y = next((x, y) for x, y in zip(xs, ys, strict=True) if math.isfinite(x) and math.isfinite(y))
            self.dot(x, y, colour, radius=3)
        elif path:
            dash = " dashed" if dashed else ""
            self._marks.append(f'<path class="data line k{colour % COLOURS}{dash}" d="{"".join(path)}"/>')
        self.legend(name, colour, kind="dashed" if dashed else "")

    def band(
        self, xs: Sequence[float], low: Sequence[float], high: Sequence[float], colour: int, name: str = ""
    ) -> None:
        """The area between two lines."""
        up = [f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in zip(xs, high, strict=True)]
        down = [f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in zip(xs, low, strict=True)]
        self._marks.append(f'<path class="data band k{colour % COLOURS}" d="M{"L".join([*up, *reversed(down)])}Z"/>')
        self.legend(name, colour, kind="band")

    def dot(self, x: float, y: float, colour: int, hover: str = "", radius: float = 2.5) -> None:
        """A point, with text that is shown where a pointer rests on it."""
        said = f"<title>{html.escape(hover)}</title>" if hover else ""
        place = f'cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="{radius:g}"'
        self._marks.append(f'<circle class="data dot k{colour % COLOURS}" {place}>{said}</circle>')

    def bar(self, left: float, right: float, value: float, colour: int, hover: str = "") -> None:
        """An upright bar from 0."""
        said = f"<title>{html.escape(hover)}</title>" if hover else ""
        x, y = self.x(left), self.y(value)
        area = f'x="{x:.1f}" y="{y:.1f}" width="{max(0.5, self.x(right) - x - 1):.1f}" height="{self.y(0) - y:.1f}"'
        self._marks.append(f'<rect class="data bar k{colour % COLOURS}" {area}>{said}</rect>')

    def guide(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """A thin line that the data are compared with."""
        (x1, y1), (x2, y2) = ((self.x(x), self.y(y)) for x, y in (start, end))
        self._marks.insert(0, f'<path class="guide" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>')

    def legend(self, name: str, colour: int, *, kind: str = "") -> None:
        """A name beside its colour, once each; "dashed" or a "band"."""
        entry = f'<li><span class="{f"swatch k{colour % COLOURS} {kind}".strip()}"></span>{html.escape(name)}</li>'
        if name and entry not in self._legend:
            self._legend.append(entry)

    @property
    def is_empty(self) -> bool:
        return not any('class="data' in mark for mark in self._marks)

    def html(self, description: str) -> str:
        """The figure.

        Args:
            description: What is to be seen, in words.
        """
        x_label, y_label = (html.escape(label) for label in self._labels)
        bottom, right = self.height - _BOTTOM, WIDTH - _RIGHT
        parts = [f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>']
        for value in self.x.ticks(5, whole=self.counts):
            at = f'x="{self.x(value):.1f}" y="{bottom + 14}" text-anchor="middle"'
            parts.append(f'<text class="tick" {at}>{tick_text(value)}</text>')
        for value in self.y.ticks(5):
            y = self.y(value)
            parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>')
            parts.append(
                f'<text class="tick" x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{tick_text(value)}</text>'
            )
        middle = (_TOP + bottom) / 2
        parts.append(
            f'<text class="label" x="{(_LEFT + right) / 2}" y="{self.height - 6}" text-anchor="middle">{x_label}</text>'
        )
        parts.append(
            f'<text class="label" transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">{y_label}</text>'
        )
        said = html.escape(f"{self.title}. {description}", quote=True)
        legend = f'<ul class="legend">{"".join(self._legend)}</ul>' if self._legend else ""
        return (
            f'<figure><h3>{html.escape(self.title)}</h3><svg viewBox="0 0 {WIDTH} {self.height}" role="img" '
            f'aria-label="{said}">{"".join([*parts, *self._marks])}</svg>{legend}'
            f"<figcaption>{html.escape(description)}</figcaption></figure>"
        )


def line_chart(
    title: str,
    x_label: str,
    xs: Sequence[float],
    series: Mapping[str, Sequence[float]],
    *,
    y_label: str = "",
    levels: Mapping[str, float] | None = None,
) -> Chart:
    """A line for each series, by what is counted along the first axis.

    Args:
        levels: Numbers that series are compared with, by the name of the series: dashed, in its colour.
    """
    levels = levels or {}
    chart = Chart(
        title,
        x_label,
        y_label,
        range_of(xs, pad=0.02),
        range_of(*series.values(), levels.values()),
        counts=True,
    )
    for colour, (name, ys) in enumerate(series.items()):
        chart.line(xs, ys, colour, name)
        if name in levels and len(xs) > 1:
            chart.line([xs[0], xs[-1]], [levels[name]] * 2, colour, dashed=True)
    return chart


def first_to_last(series: Mapping[str, Sequence[float]]) -> str:
    """The ends of the first series, in words."""
    name, values = next(iter(series.items()))
    return f"{name} goes from {values[0]:.4g} to {values[-1]:.4g}"
