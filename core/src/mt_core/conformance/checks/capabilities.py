"""The capabilities that the manifest declares are those of the code."""

from __future__ import annotations

import pickle

import torch

from mt_core.conformance.check import Failed, check, expect
from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.lengths import difference, prepared, samples_of_several_lengths, tokens_of, vectors
from mt_core.contract import Tokenizer
from mt_core.errors import MtError

CHANNELS = (1, 2, 5)

_ORDERS = 3
_ORDER_TOLERANCE = 1e-3  # relative; sums in another order, and what is chosen by them
_FEWER_BYTES = 0.9  # of those of a sample: some of its channels are gone
_NOISE = 1e-5  # relative; differences of float32 are smaller


@check(needs="permutation_invariant")
def the_order_within_a_sample_does_not_matter(plugin: PluginFixture) -> None:
    """`Tokenizer.permuted` returns each test sample in three other orders and does not change the sample itself: its
    vector stays the same."""
    tokenizer = plugin.make_tokenizer()
    num_permuted = 0
    for index, sample in enumerate(plugin.samples):
        before = pickle.dumps(sample)
        own = vectors(plugin, tokens_of(tokenizer, [tokenizer.prepare(sample)]))
        for seed in range(_ORDERS):
            other = tokenizer.permuted(sample, torch.Generator().manual_seed(seed))
            expect(pickle.dumps(sample) == before, f"`permuted` changes test sample {index} itself: return a new one")
            num_permuted += pickle.dumps(other) != before
            changed = difference(own, vectors(plugin, tokens_of(tokenizer, [tokenizer.prepare(other)])))
            expect(
                changed <= _ORDER_TOLERANCE,
                f"the vector of test sample {index} differs by {changed:.2g} in another order: sort what is read in "
                "prepare, and add no positions that count elements",
            )
    total = len(plugin.samples) * _ORDERS
    expect(num_permuted > total / 2, f"`permuted` gave another order {num_permuted} times of {total}: let it shuffle")


@check(needs="any_channels")
def any_number_of_channels_is_supported(plugin: PluginFixture) -> None:
    """`Tokenizer.with_channels` gives the test samples 1, 2 and 5 channels: one tokenizer accepts them all, and their
    vectors are finite and differ from those with all channels."""
    # a calibrated tokenizer may require the channels of its training data
    tokenizer = plugin.make_tokenizer(calibrated="needs_calibration" in plugin.manifest.capabilities)
    for index, sample in enumerate(plugin.samples):
        vector = vectors(plugin, tokens_of(tokenizer, [tokenizer.prepare(sample)]))
        for number in CHANNELS:
            changed = tokenizer.with_channels(sample, number)
            try:
                other = vectors(plugin, tokens_of(tokenizer, [tokenizer.prepare(changed)]))
            except MtError as error:
                raise Failed(f"test sample {index} is refused with {number} channels: {error}") from error
            expect(bool(other.isfinite().all()), f"with {number} channels test sample {index} has no finite vector")
            lost_some = len(pickle.dumps(changed)) < _FEWER_BYTES * len(pickle.dumps(sample))
            expect(
                not lost_some or difference(vector, other) > _NOISE,
                f"the vector of test sample {index} is the same with {number} channels as with all: use each channel",
            )


@check(needs="variable_length", waivable=False)
def samples_have_different_lengths(plugin: PluginFixture) -> None:
    """The demo's test samples, or samples of the plugin's files, have different numbers of real tokens: else the other
    checks of padding would test nothing. With view=picture all may have one picture, of as many tokens."""
    if plugin.tokenizer_options.get("view") == "picture":
        return
    lengths = samples_of_several_lengths(plugin).lengths
    one = " + ".join(map(str, lengths[0]))
    expect(
        len(set(lengths)) > 1,
        f"all {len(lengths)} samples have {one} tokens: let the demo or the example files differ in "
        "length, or do not declare variable_length",
    )


@check(waivable=False)
def every_capability_is_declared(plugin: PluginFixture) -> None:
    """A capability that the code has is declared: test samples of several lengths, an overridden method that belongs to
    a capability, tokens that are refused before calibration."""
    methods = {
        "permutation_invariant": "permuted",
        "any_channels": "with_channels",
        "init_from_encoder": "init_from_encoder",
    }
    tokenizer = plugin.tokenizer_class
    found = {
        capability: f"it overrides `{method}`"
        for capability, method in methods.items()
        if getattr(tokenizer, method) is not getattr(Tokenizer, method)
    }
    if len(set(prepared(plugin.make_tokenizer(), plugin.samples).lengths)) > 1:
        found["variable_length"] = "test samples of the demo have different numbers of tokens"
    declared = plugin.manifest.capabilities
    if "needs_calibration" not in declared:
        try:
            plugin.tokens(plugin.make_tokenizer(calibrated=False))
        except Exception as error:
            found["needs_calibration"] = f"uncalibrated, it refuses the test samples: {error}"
    undeclared = [f"{name} ({why})" for name, why in found.items() if name not in declared]
    expect(not undeclared, f"declare in plugin.toml, under capabilities: {'; '.join(undeclared)}")
