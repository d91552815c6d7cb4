"""What the manifest says that the code can, and what the code can that the manifest does not say."""

from __future__ import annotations

import pickle

import torch

from mt_core.conformance.check import Failed, check, expect
from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.lengths import difference, of_several_lengths, prepared, tokens_of, vectors
from mt_core.contract import Tokenizer
from mt_core.errors import MtError

CHANNELS = (1, 2, 5)

_ORDERS = 3
_ORDER_TOLERANCE = 1e-3  # relative; sums of another order, and what is chosen by them
_LESS = 0.9  # of the bytes of a sample: some of its channels are gone
_AT_ALL = 1e-5  # relative; above the noise of float32


@check(needs="permutation_invariant")
def the_order_within_a_sample_means_nothing(subject: PluginFixture) -> None:
    """`Tokenizer.permuted` brings each test sample into three other orders, and leaves the sample as it is: its vector
    stays the same."""
    tokenizer = subject.tokenizer()
    num_other = 0
    for index, sample in enumerate(subject.samples):
        before = pickle.dumps(sample)
        own = vectors(subject, tokens_of(tokenizer, [tokenizer.prepare(sample)]))
        for seed in range(_ORDERS):
            other = tokenizer.permuted(sample, torch.Generator().manual_seed(seed))
            expect(pickle.dumps(sample) == before, f"`permuted` changes test sample {index} itself: return a new one")
            num_other += pickle.dumps(other) != before
            changed = difference(own, vectors(subject, tokens_of(tokenizer, [tokenizer.prepare(other)])))
            expect(
                changed <= _ORDER_TOLERANCE,
                f"the vector of test sample {index} differs by {changed:.2g} in another order: bring what is read into "
                "an order of its own (in prepare), and add nothing that counts places",
            )
    total = len(subject.samples) * _ORDERS
    expect(num_other > total / 2, f"`permuted` gave another order {num_other} times of {total}: let it shuffle")


@check(needs="any_channels")
def any_number_of_channels_is_taken(subject: PluginFixture) -> None:
    """`Tokenizer.with_channels` gives the test samples 1, 2 and 5 channels: one tokenizer takes them all, and their
    vectors are finite and others than with all of their own."""
    # one that is calibrated may insist on the channels of its training data
    tokenizer = subject.tokenizer(calibrated="needs_calibration" in subject.manifest.capabilities)
    for index, sample in enumerate(subject.samples):
        vector = vectors(subject, tokens_of(tokenizer, [tokenizer.prepare(sample)]))
        for number in CHANNELS:
            changed = tokenizer.with_channels(sample, number)
            try:
                other = vectors(subject, tokens_of(tokenizer, [tokenizer.prepare(changed)]))
            except MtError as error:
                raise Failed(f"test sample {index} is refused with {number} channels: {error}") from error
            expect(bool(other.isfinite().all()), f"with {number} channels test sample {index} has no finite vector")
            lost_some = len(pickle.dumps(changed)) < _LESS * len(pickle.dumps(sample))
            expect(
                not lost_some or difference(vector, other) > _AT_ALL,
                f"the vector of test sample {index} is the same with {number} channels as with all: look at each",
            )


@check(needs="variable_length", waivable=False)
def samples_have_different_lengths(subject: PluginFixture) -> None:
    """Among the demonstration's test samples, or the plugin's example files, there are different numbers of real
    tokens: what else is said of padding would say nothing."""
    lengths = of_several_lengths(subject).lengths
    one = " + ".join(map(str, lengths[0]))
    expect(
        len(set(lengths)) > 1,
        f"all {len(lengths)} samples have {one} tokens: let the demonstration or the example files differ in "
        "length, or do not declare variable_length",
    )


@check(waivable=False)
def every_capability_is_declared(subject: PluginFixture) -> None:
    """What the code can, the manifest says: samples of several lengths, methods of the tokenizer that only a capability
    calls for, work that is refused before calibration."""
    methods = {
        "permutation_invariant": "permuted",
        "any_channels": "with_channels",
        "init_from_encoder": "init_from_encoder",
    }
    tokenizer = subject.plugin.tokenizer
    seen = {
        capability: f"it overrides `{method}`"
        for capability, method in methods.items()
        if getattr(tokenizer, method) is not getattr(Tokenizer, method)
    }
    if len(set(prepared(subject.tokenizer(), subject.samples).lengths)) > 1:
        seen["variable_length"] = "test samples of the demonstration have different numbers of tokens"
    declared = subject.manifest.capabilities
    if "needs_calibration" not in declared:
        try:
            subject.tokens(subject.tokenizer(calibrated=False))
        except Exception as error:
            seen["needs_calibration"] = f"before it the test samples are refused: {error}"
    undeclared = [f"{name} ({why})" for name, why in seen.items() if name not in declared]
    expect(not undeclared, f"declare in plugin.toml, under capabilities: {'; '.join(undeclared)}")
