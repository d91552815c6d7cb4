"""The native baseline that a plugin declares: its features."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np

from mt_core.conformance.check import check, expect
from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.valid_inputs import first_sample, preserved_random_states, seed_all, sources
from mt_core.contract import Tokenizer
from mt_core.errors import InputError
from mt_core.training.baseline import vector_of


@check()
def a_declared_baseline_gives_finite_vectors_of_one_width(plugin: PluginFixture) -> None:
    """The features of the demo's test samples and of a file of each suffix that the calibrated tokenizer prepares are
    finite numbers, as many for every sample, and the same when they are taken again under other random seeds by a
    baseline that was pickled. A plugin that declares no baseline passes."""
    if plugin.baseline_class is None:
        return
    tokenizer = plugin.make_tokenizer()
    baseline = plugin.baseline_class(tokenizer)
    copied = pickle.loads(pickle.dumps(baseline)) if _survives(tokenizer) else plugin.baseline_class(tokenizer)
    widths: dict[int, str] = {}
    for name, sample in _samples(plugin):
        with preserved_random_states():
            seed_all(0)
            vector = vector_of(baseline, sample)
            seed_all(1)
            again = vector_of(copied, sample)
        widths.setdefault(len(vector), name)
        expect(
            np.array_equal(vector, again),
            f"the features of {name} differ when they are taken again: draw nothing at random, and keep nothing from "
            "one sample to the next",
        )
    expect(
        len(widths) == 1,
        f"the features are of several widths ({', '.join(f'{width}: {name}' for width, name in widths.items())}): give "
        "as many for every sample",
    )


def _survives(tokenizer: Tokenizer) -> bool:
    """Whether the tokenizer within can be pickled, which a check of its own asks for."""
    try:
        pickle.dumps(tokenizer)
    except Exception:
        return False
    return True


def _samples(plugin: PluginFixture) -> list[tuple[str, Any]]:
    """The test samples, and those of files that fit the demo's calibration."""
    samples = [(f"test sample {row}", sample) for row, sample in enumerate(plugin.samples)]
    tokenizer = plugin.make_tokenizer()
    for name, source in sources(plugin).items():
        try:
            sample = first_sample(tokenizer, source)
            tokenizer.prepare(sample)
        except InputError:  # a table of other columns than the demo's
            continue
        samples.append((name, sample))
    return samples
