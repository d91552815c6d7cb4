"""A stretch of a recording: its curves or its spectrogram, and below them the classes of its steps as coloured strips.

T steps, C channels.
"""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Segmentation
from mt_core.io.scale import Scale, range_of, tick_text
from mt_core.sdk import StepClock
from mt_report.colours import class_styles
from mt_report.steps import Spectrogram, Window, runs
from mt_report.text import number, short

WIDTH = 900
_LEFT, _RIGHT, _TOP = 104, 26, 6
_CURVE, _SPECTROGRAM, _STRIP, _GAP, _BOTTOM = 56, 84, 15, 5, 36
_MOST_CHANNELS, _MOST_POINTS = 3, 600
_HZ = (100, 500, 1000, 2000, 5000, 10_000, 20_000)
_DAY = 86_400.0
_ROUND = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200)
_ROUND_DAYS = (1, 2, 7, 14, 28, 91, 182, 365, 1826, 3652)

Numbers = NDArray[np.float64]


def strips(windows: Sequence[Window], task: Segmentation, description: str, meant: Window | None = None) -> str:
    """A figure in a box that is scrolled where it is wider than the screen.

    Args:
        windows: That follow each other in time.
        description: What is to be seen, in words.
        meant: The one of them that stands between dotted lines.
    """
    return _Strips(windows, task).html(description, meant)


def span_of(windows: Sequence[Window]) -> str:
    """From when to when they are, for people."""
    return _said(float(windows[0].times[0, 0]), float(windows[-1].times[-1, 1]), windows[0].clock)


class _Strips:
    def __init__(self, windows: Sequence[Window], task: Segmentation) -> None:
        self.windows, self.task, self.clock = windows, task, windows[0].clock
        self.times = np.concatenate([window.times for window in windows])
        self.x = Scale(float(self.times[0, 0]), float(self.times[-1, 1]), _LEFT, WIDTH - _RIGHT)
        self.y = _TOP
        self.marks: list[str] = []

    def html(self, description: str, meant: Window | None) -> str:
        if all(window.curves is not None for window in self.windows):
            self._add_curves()
        elif all(window.spectrogram is not None for window in self.windows):
            self._add_spectrogram([window.spectrogram for window in self.windows if window.spectrogram is not None])
        truth, predicted = (
            np.concatenate([getattr(window, name) for window in self.windows]) for name in ("truth", "predicted")
        )
        probability = np.concatenate([window.probability for window in self.windows]).astype(np.float64)
        self._add_classes("truth", truth, None)
        self._add_classes("prediction", predicted, probability)
        self._add_wrong(truth, predicted)
        if meant is not None and len(self.windows) > 1:
            self._add_guides(meant)
        self._add_axis()
        said = html.escape(description, quote=True)
        height = self.y + _BOTTOM
        return (
            f'<div class="scroll" role="region" tabindex="0" aria-label="{said}"><svg class="strips" '
            f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{said}">{"".join(self.marks)}</svg></div>'
        )

    def _label(self, text: str, y: float) -> None:
        label = html.escape(short(text, 15))
        self.marks.append(f'<text class="label" x="0" y="{y:.1f}">{label}</text>')

    def _add_curves(self) -> None:
        values = np.concatenate([window.curves for window in self.windows if window.curves is not None])
        has_values = np.isfinite(values).any(0)
        spread = np.zeros(values.shape[1])
        spread[has_values] = np.nanstd(values[:, has_values], axis=0)
        moving = np.sort(np.argsort(-spread, kind="stable")[:_MOST_CHANNELS])
        middle = self.times.mean(1)
        step = max(1, math.ceil(len(values) / _MOST_POINTS))
        for channel in moving.tolist():
            low, high = range_of(values[:, channel])
            scale = Scale(low, high, self.y + _CURVE, self.y)
            path, is_open = [], False
            for time, value in zip(middle[::step], values[::step, channel], strict=True):
                if not math.isfinite(value):
                    is_open = False
                    continue
                path.append(f"{'L' if is_open else 'M'}{self.x(time):.1f} {scale(value):.1f}")
                is_open = True
            self.marks.append(f'<path class="axis" d="M{_LEFT} {self.y}V{self.y + _CURVE}"/>')
            self.marks.append(f'<path class="data line k0" d="{"".join(path)}"/>')
            self._label(self.windows[0].channels[channel], self.y + _CURVE / 2 + 4)
            for value in scale.ticks(2)[:3]:
                y = scale(value)
                self.marks.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"/>')
                self.marks.append(
                    f'<text class="tick" x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{tick_text(value)}</text>'
                )
            self.y += _CURVE + _GAP

    def _add_spectrogram(self, shown: Sequence[Spectrogram]) -> None:
        from PIL import Image

        levels = np.concatenate([each.levels for each in shown], axis=1)
        image = Image.fromarray((255 * (1 - levels)).round().clip(0, 255).astype(np.uint8))
        image = image.resize((min(image.width, WIDTH), min(image.height, 2 * _SPECTROGRAM)))
        content = io.BytesIO()
        image.save(content, "JPEG", quality=80)
        data = base64.b64encode(content.getvalue()).decode()
        self.marks.append(
            f'<image class="data" href="data:image/jpeg;base64,{data}" x="{_LEFT}" y="{self.y}" '
            f'width="{WIDTH - _RIGHT - _LEFT}" height="{_SPECTROGRAM}" preserveAspectRatio="none"/>'
        )
        hz = shown[0].hz
        rows = np.arange(len(hz), dtype=np.float64)
        for tick in _HZ:
            if hz.min() < tick < hz.max():
                y = self.y + float(np.interp(tick, hz[::-1], rows[::-1])) / (len(hz) - 1) * _SPECTROGRAM
                said = f"{tick:,} Hz"
                self.marks.append(f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{said}</text>')
        self.y += _SPECTROGRAM + _GAP

    def _add_classes(self, title: str, classes: NDArray[np.int16], probability: Numbers | None) -> None:
        styles = class_styles(self.task.classes, self.task.background)
        for begin, end in runs(classes):
            if classes[begin] < 0:
                continue
            hover = f"{self.task.classes[classes[begin]]}, {self._span(begin, end)}"
            if probability is not None:
                hover += f", mean probability {probability[begin:end].mean():.2f}"
            self._add_block(begin, end, f"fill:{styles[classes[begin]]}", hover)
        self._label(title, self.y + 12)
        self.y += _STRIP + _GAP

    def _add_wrong(self, truth: NDArray[np.int16], predicted: NDArray[np.int16]) -> None:
        wrong = (truth != predicted) & (truth >= 0)
        for begin, end in runs(wrong):
            if wrong[begin]:
                self._add_block(begin, end, "fill:var(--wrong)", f"wrong, {self._span(begin, end)}")
        self._label("wrong", self.y + 12)
        self.y += _STRIP + _GAP

    def _add_block(self, begin: int, end: int, style: str, hover: str) -> None:
        left, right = self.x(float(self.times[begin, 0])), self.x(float(self.times[end - 1, 1]))
        self.marks.append(
            f'<rect class="data" style="{style}" x="{left:.1f}" y="{self.y}" width="{max(right - left, 0.3):.1f}" '
            f'height="{_STRIP}"><title>{html.escape(hover)}</title></rect>'
        )

    def _add_guides(self, meant: Window) -> None:
        for time in (meant.times[0, 0], meant.times[-1, 1]):
            x = self.x(float(time))
            self.marks.append(f'<path class="guide" d="M{x:.1f} {_TOP}V{self.y}"/>')

    def _add_axis(self) -> None:
        y = self.y
        self.marks.append(f'<path class="axis" d="M{_LEFT} {y}H{WIDTH - _RIGHT}"/>')
        at = self.x.ticks(6, whole=self.clock is StepClock.STEPS)
        if self.clock is StepClock.DATES:
            at = _round_moments(self.x.low, self.x.high)
        for value in at:
            text = self._moment(value) if self.clock is StepClock.DATES else tick_text(value)
            self.marks.append(
                f'<text class="tick" x="{self.x(value):.1f}" y="{y + 15}" text-anchor="middle">{text}</text>'
            )
        label = {StepClock.STEPS: "steps", StepClock.SECONDS: "seconds", StepClock.DATES: "time"}[self.clock]
        if self.clock is StepClock.DATES and self._is_within_days:
            label = f"time, from {_date(self.x.low)[:10]}"
        middle = (_LEFT + WIDTH - _RIGHT) / 2
        self.marks.append(f'<text class="label" x="{middle}" y="{y + 31}" text-anchor="middle">{label}</text>')

    @property
    def _is_within_days(self) -> bool:
        return self.x.high - self.x.low < 2 * _DAY

    def _moment(self, value: float) -> str:
        return _date(value)[11:16] if self._is_within_days else _date(value)[:10]

    def _span(self, begin: int, end: int) -> str:
        low, high = float(self.times[begin, 0]), float(self.times[end - 1, 1])
        return _said(low, high, self.clock)


def _said(low: float, high: float, clock: StepClock) -> str:
    if clock is StepClock.DATES:
        return f"{_date(low)} to {_date(high)}"
    first, last = (f"{each:g}" if each < 1e6 else number(each) for each in (round(low, 3), round(high, 3)))
    return f"{first} to {last} s" if clock is StepClock.SECONDS else f"step {first} to {last}"


def _round_moments(low: float, high: float, most: int = 7) -> list[float]:
    """Full hours, minutes or days within a range of seconds since 1970."""
    steps = [float(step) for step in _ROUND] + [step * _DAY for step in _ROUND_DAYS]
    step = next((step for step in steps if (high - low) / step <= most), steps[-1])
    return [step * number for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _date(seconds: float) -> str:
    return str(np.datetime64(round(seconds), "s")).replace("T", " ")
