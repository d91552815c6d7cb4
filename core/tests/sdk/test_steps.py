"""Labels of steps: windows, intervals, targets, and predictions as segments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mt_core.contract import MISSING_CLASS, Segmentation
from mt_core.errors import DatasetError, OptionError
from mt_core.sdk import Interval, LabelledSteps, StepClock, check_intervals, classes_at, list_steps, step_windows, when
from mt_core.sdk.steps.listing import with_classes_of
from mt_core.sdk.steps.segments import format_segments, joined_segments, step_answers

TASK = Segmentation(classes=("none", "dog", "cat"), background=0)


@pytest.mark.parametrize("length", [1, 2, 5, 8, 100])
@pytest.mark.parametrize("steps", [1, 2, 7, 8, 9, 41])
def test_each_step_is_labelled_by_one_window_that_looks_at_it(steps, length):
    windows = step_windows(steps, length)
    labelled = [step for window in windows for step in range(window.first, window.last)]
    assert labelled == list(range(steps))
    assert all(window.start <= window.first < window.last <= window.end <= steps for window in windows)
    assert all(window.end - window.start == min(steps, length) for window in windows)


def test_a_step_is_labelled_by_the_window_in_whose_middle_it_lies():
    for window in step_windows(100, 20)[1:-1]:
        assert min(window.first - window.start, window.end - window.last) >= 4


def checked(*events: tuple[float, float, str]) -> list[Interval]:
    intervals = [Interval(start, end, label, f"line {number}") for number, (start, end, label) in enumerate(events, 1)]
    return check_intervals(intervals, 0.0, 10.0, "a.wav", lambda time: f"{time:g} s")


def test_steps_within_an_event_have_its_class():
    times = np.arange(0, 10, 0.5)
    events = checked((6.0, 7.0, "cat"), (1.0, 2.5, "dog"))
    drawn = np.zeros(20, int)
    drawn[2:5], drawn[12:14] = 1, 2
    np.testing.assert_array_equal(classes_at(times, events, TASK.classes), drawn)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([(2, 1, "dog")], r"line 1: dog from 2 s to 1 s ends before it starts"),
        ([(1, 1, "dog")], r"line 1: dog at 1 s has no length"),
        ([(8, 11, "dog")], r"not within a\.wav, which lasts from 0 s to 10 s"),
        ([(-1, 1, "dog")], r"not within a\.wav"),
        ([(1, 3, "dog"), (2, 4, "cat")], r"a\.wav: dog \(1 s to 3 s, line 1\) and cat \(2 s to 4 s, line 2\) overlap"),
        ([(1, 9, "dog"), (2, 3, "dog"), (4, 5, "cat")], r"dog .* and cat .* overlap"),
    ],
)
def test_impossible_events_are_refused_with_their_times(events, message):
    with pytest.raises(DatasetError, match=message):
        checked(*events)


def test_events_of_one_class_may_overlap_and_others_may_follow_at_once():
    events = checked((1, 3, "dog"), (2, 4, "dog"), (4, 5, "cat"))
    assert classes_at(np.arange(10.0), events, TASK.classes).tolist() == [0, 1, 1, 1, 2, 0, 0, 0, 0, 0]


def recordings(*splits: str) -> list[LabelledSteps]:
    return [
        LabelledSteps(f"r{number}", np.arange(50) // 20, 8, lambda window: (window.start, window.end), split)
        for number, split in enumerate(splits)
    ]


def test_the_labels_of_a_recording_come_back_in_order():
    listing = list_steps(recordings("", ""), "train", Path("folder"), layout="steps", task=TASK)
    own = [target for target, group in zip(listing.labels, listing.groups, strict=True) if group == "r1"]
    np.testing.assert_array_equal(np.concatenate(own), np.arange(50) // 20)
    assert len(listing.samples) == len(listing.labels) == len(listing.groups)


def test_windows_of_a_split_are_those_of_its_recordings():
    listing = list_steps(recordings("train", "test"), "test", Path("folder"), layout="steps", task=TASK)
    assert set(listing.groups) == {"r1"}


def test_recordings_of_a_split_and_of_none_are_not_mixed():
    with pytest.raises(DatasetError, match="r1 is of no split, and other recordings are"):
        list_steps(recordings("train", ""), "train", Path("folder"), layout="steps", task=TASK)


def test_labels_are_numbered_as_in_an_earlier_run():
    listing = list_steps(recordings(""), "all", Path("folder"), layout="steps", task=TASK)
    earlier = Segmentation(classes=("cat", "none", "cow", "dog"))
    renumbered = with_classes_of(listing, earlier, "folder")
    assert renumbered.task == earlier
    np.testing.assert_array_equal(np.concatenate(list(renumbered.labels)), np.array([1, 3, 0])[np.arange(50) // 20])
    with pytest.raises(OptionError, match="does not: cat"):
        with_classes_of(listing, Segmentation(classes=("none", "dog")), "folder")


def test_steps_without_any_class_are_refused():
    unknown = [LabelledSteps("r", np.full(5, MISSING_CLASS), 8, lambda window: None)]
    with pytest.raises(DatasetError, match="no step has a class"):
        list_steps(unknown, "train", Path("folder"), layout="steps", task=TASK)


def records(classes: list[int], clock: StepClock, step: int, start: int = 0, cut: int = 3) -> list[dict]:
    """Of two windows of one recording, whose probabilities are two thirds."""
    logits = torch.full((2, len(classes), 3), 0.0)
    told = []
    for row, part in enumerate((slice(0, cut), slice(cut, None))):
        own = np.arange(len(classes))[part]
        for place, at in enumerate(own.tolist()):
            logits[row, place, classes[at]] = np.log(4.0)
        told.append(when(start + own * step, start + (own + 1) * step, clock))
    answers = step_answers(logits, told)
    return [{"source": "a.csv", "row": row, "of": 0, "steps": answer} for row, answer in enumerate(answers)]


def test_a_segment_goes_on_from_one_window_to_the_next():
    (record,) = joined_segments(records([0, 1, 1, 1, 2, 0], StepClock.SECONDS, 500_000), TASK)
    assert record == {
        "source": "a.csv",
        "row": 0,
        "prediction": [
            {"start": 0.5, "end": 2.0, "class": "dog", "probability": 0.6667},
            {"start": 2.0, "end": 2.5, "class": "cat", "probability": 0.6667},
        ],
        "time": "s",
    }


def test_times_are_dates_where_the_series_has_dates():
    start = int(np.datetime64("2024-02-29 23:59:00", "us").astype(np.int64))
    (record,) = joined_segments(records([1, 0, 0, 0], StepClock.DATES, 60_000_000, start), TASK)
    segment = record["prediction"][0]
    assert (segment["start"], segment["end"], record["time"]) == ("2024-02-29 23:59:00", "2024-03-01 00:00:00", "date")


def test_recordings_of_one_source_and_sources_are_kept_apart():
    first, second = records([1, 1, 1, 1], StepClock.STEPS, 1)
    other = {**first, "of": 1, "source": "b.csv"}
    found = list(joined_segments([first, second, other], TASK))
    assert [(each["source"], each["prediction"][0]["end"]) for each in found] == [("a.csv", 4), ("b.csv", 3)]


def test_segments_are_told_in_a_line():
    segment = {"start": 0.5, "end": 2.0, "class": "dog", "probability": 0.91234}
    assert format_segments([segment], TASK) == "dog 0.5 to 2.0 (0.91)"
    assert format_segments([segment] * 8, TASK).endswith("and 2 more")
    assert format_segments([], TASK) == "none"
