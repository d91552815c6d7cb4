"""What a sample is: the content of its file, whatever the file is called, and nothing in it is lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mt_core.conformance.check import check, expect
from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.lengths import tokens_of
from mt_core.conformance.renamed import renamed_sources
from mt_core.conformance.sample_parts import Part, changed_samples
from mt_core.conformance.valid_inputs import first_sample, prepared, same, sources
from mt_core.contract import Tokenizer
from mt_core.contract.sources import or_raise
from mt_core.errors import InputError, MtError

_SAMPLES_OF_A_FILE = 3
_WINDOWS_OF_A_FILE = 4


@check()
def the_name_of_a_file_changes_nothing(plugin: PluginFixture) -> None:
    """A file of each suffix and files of the demo are copied under another name into another folder: the same bytes
    give the same prepared tensors, the same tokens and the same `side`."""
    for name, source, renamed in renamed_sources(plugin):
        tokenizer = _tokenizer_for(plugin, source)
        if tokenizer is None:
            continue  # a table of other columns than the demo's
        here, there, once_more = (_items(tokenizer, each) for each in (source, renamed, source))
        if len(here) != len(once_more) or not all(map(partial(same, exactly=True), here, once_more)):
            continue  # not even the same file gives the same: `reading_is_deterministic` says so
        expect(
            len(here) == len(there) and all(map(partial(same, exactly=True), here, there)),
            f"{name}, copied to {Path(*_last(renamed))}, is prepared differently: take nothing from the name of a file "
            "or of its folder, nor from its date; a label belongs into Example.target",
        )
        for one, other in zip(here, there, strict=True):
            if isinstance(one, str) or isinstance(other, str):
                continue  # refused, with the same words
            tokens, again = tokens_of(tokenizer, [one]), tokens_of(tokenizer, [other])
            expect(
                same({"": tokens.values, **tokens.side}, {"": again.values, **again.side}, exactly=True),
                f"{name}, copied to {Path(*_last(renamed))}, has other tokens or another `side`: let forward depend on "
                "its batch alone",
            )


@check()
def every_part_of_a_sample_changes_what_is_prepared(plugin: PluginFixture) -> None:
    """In samples as `read` returns them each number, and each quarter along each axis of each array, gets other values:
    what `prepare` returns must change, or it refuses them. What is not used is declared in plugin.toml under `unused`,
    with the reason. What is declared and changes it in all its parts is a failure too."""
    used: dict[Part, bool] = {}
    for _, source in sources(plugin).items():
        tokenizer = _tokenizer_for(plugin, source)
        if tokenizer is None:
            continue
        sample = first_sample(tokenizer, source)
        expected = prepared(tokenizer, sample)
        for part, copies in changed_samples(sample):
            if not used.get(part):
                used[part] = any(_is_changed(tokenizer, expected, changed) for changed in copies)
    names = [unused.part for unused in plugin.manifest.unused]
    lost = _names([part for part, is_used in used.items() if not is_used and not _declared(part, names)], used)
    expect(
        not lost,
        f"what is prepared does not change with {_some(lost)}: use it, let `read` leave it out, or declare it in "
        'plugin.toml: [[unused]] part = "…" reason = "…"',
    )
    declared = {name for name in names if any(_declared(part, [name]) for part in used)}
    needed = {name for name in declared for part in used if not used[part] and _declared(part, [name])}
    expect(
        declared == needed,
        f"plugin.toml declares as unused what changes what is prepared: {', '.join(sorted(declared - needed))}: remove "
        "that declaration",
    )


@check()
def each_step_is_labelled_once(plugin: PluginFixture) -> None:
    """With the option `labels=steps`, where the tokenizer has it, the windows that `stream` gives of a recording label
    its steps one after the other, none twice and none left out between two windows; each has a place in `side`."""
    tokenizer = _step_labeller(plugin)
    if tokenizer is None:
        return
    num_windows = 0
    for name, source in sources(plugin).items():
        items = [item for item in _items(tokenizer, source, _WINDOWS_OF_A_FILE) if not isinstance(item, str)]
        num_windows += len(items)
        ends: dict[int, tuple[int, int]] = {}  # of each recording, when its last step so far ended, and how long it was
        for number, item in enumerate(items):
            window = f"window {number} of {name}"
            expect(
                {"when", "recording"} <= item.keys() and len(item["when"]) > 0,
                f"{window} labels no steps: add to it what `mt_core.sdk.when` gives",
            )
            recording = int(item["recording"][0])
            _expect_after(ends.get(recording), item["when"], window)
            ends[recording] = int(item["when"][-1, 1]), int(item["when"][-1, 1] - item["when"][-1, 0])
            with torch.no_grad():
                places = tokens_of(tokenizer, [item]).side.get("places")
            expect(
                places is not None and places.shape[1] == len(item["when"]),
                f"{window} labels {len(item['when'])} steps, and `side` has "
                f"{0 if places is None else places.shape[1]} places: give side['places'] a row for each",
            )
    expect(num_windows > 0, "no file of the plugin can be read with labels=steps: let `example_files` write one")


def _step_labeller(plugin: PluginFixture) -> Tokenizer | None:
    """A tokenizer with labels=steps; None where there is none."""
    options: dict[str, Any] = {"view": "tokens"} if "view" in plugin.tokenizer_options else {}
    is_calibrated = "needs_calibration" in plugin.manifest.capabilities  # on samples of another task
    try:
        tokenizer = plugin.make_tokenizer(calibrated=is_calibrated, labels="steps", **options)
    except MtError:
        return None
    return tokenizer if tokenizer.labels_steps else None


def _expect_after(last: tuple[int, int] | None, times_P2: Tensor, window: str) -> None:
    """The steps of a window follow one another, and the last one of the window before.

    Args:
        last: When that one ended, and how long it was; None: there is no window before.
        times_P2: When each step begins and ends.
    """
    expect(
        bool((times_P2[:, 1] > times_P2[:, 0]).all() and (times_P2[1:, 0] > times_P2[:-1, 0]).all()),
        f"steps of {window} do not follow one another: each begins after the one before",
    )
    if last is None:
        return
    end, length = last
    apart = int(times_P2[0, 0]) - end
    expect(
        abs(apart) < length,
        f"{window} labels steps from {apart} {'after' if apart > 0 else 'before'} the end of the window before, where "
        f"a step is {length} long: let each window label the steps in whose middle it lies, as "
        "`mt_core.sdk.step_windows` divides them",
    )


def _tokenizer_for(plugin: PluginFixture, source: Any) -> Tokenizer | None:
    """A tokenizer that prepares a source: calibrated on the demo, or, where that refuses it, not calibrated."""
    for tokenizer in (plugin.make_tokenizer(), plugin.make_tokenizer(calibrated=False)):
        try:
            tokens_of(tokenizer, [tokenizer.prepare(first_sample(tokenizer, source))])
        except Exception:  # of a tokenizer that needs its calibration, too
            continue
        return tokenizer
    return None


def _items(tokenizer: Tokenizer, source: Any, most: int = _SAMPLES_OF_A_FILE) -> list[Any]:
    """The first samples of a source, prepared; the words of a refusal, which name the file, are not compared."""
    try:
        samples: Iterator[Any] = islice(or_raise(tokenizer.stream(source)), most)
        items = [prepared(tokenizer, sample) for sample in samples]
    except InputError:
        return ["refused"]
    return ["refused" if isinstance(item, str) else item for item in items]


def _is_changed(tokenizer: Tokenizer, expected: Any, sample: Any) -> bool:
    try:
        return not same(expected, prepared(tokenizer, sample), exactly=True)
    except Exception:  # what fails on other values has looked at them
        return True


def _declared(part: Part, names: Iterable[str]) -> bool:
    return any(part.path == name or part.path.startswith(f"{name}.") for name in names)


def _names(parts: list[Part], every: Iterable[Part]) -> list[str]:
    """What parts are called; all parts of an array are called by its name."""
    paths = dict.fromkeys(part.path for part in parts)
    whole = [path for path in paths if {part for part in every if part.path == path} <= set(parts)]
    return [*(path or "the sample" for path in whole), *(str(part) for part in parts if part.path not in whole)]


def _some(names: list[str]) -> str:
    return "; ".join(names[:4]) + " …" * (len(names) > 4)


def _last(source: Any) -> tuple[str, ...]:
    """The end of a path, as messages show it."""
    return Path(source).parts[-2:] if isinstance(source, str | Path) else ("another folder",)
