"""The tokens that `forward` returns."""

from __future__ import annotations

from itertools import combinations

import torch

from mt_core.conformance.check import check, expect
from mt_core.conformance.fixture import WIDTH, PluginFixture, small_encoder
from mt_core.conformance.lengths import (
    TOLERANCE,
    are_close,
    difference,
    prepared,
    real_tokens,
    samples_of_several_lengths,
    vectors,
)
from mt_core.conformance.perturbations import bits, changes_tokens, parts_of, replaced
from mt_core.contract import Tokens

OTHER_WIDTHS = (96, 192)

_CLEAR_DIFFERENCE = 1e-3  # relative; ten times TOLERANCE
_BFLOAT16_TOLERANCE = 0.1  # relative; bfloat16 has 8 bits, and its errors add up through two blocks


@check()
def tokens_are_finite_floats_of_the_encoders_width(plugin: PluginFixture) -> None:
    """For the test samples `forward` returns `Tokens` whose values are (rows, tokens, width), with the width that the
    tokenizer was made with; they are float32, and finite where a token is real."""
    tokens = plugin.tokens(plugin.make_tokenizer())
    expect(isinstance(tokens, Tokens), f"forward returns {type(tokens).__name__}: return mt_core.contract.Tokens")
    shape, dtype = tuple(tokens.values.shape), tokens.values.dtype
    expect(shape[-1] == WIDTH, f"the tokens are {shape}: their last axis must be the tokenizer's width, {WIDTH}")
    expect(dtype == torch.float32, f"the tokens are {dtype}: return float32, as the weights are")
    is_finite = tokens.values[tokens.real()].isfinite()
    expect(
        bool(is_finite.all()),
        f"{int((~is_finite).any(-1).sum())} of {len(is_finite)} real tokens are NaN or infinite: look for a division "
        "by a standard deviation of zero, and for a mask that is True beyond the sample's end",
    )


@check()
def views_fold_back_into_samples(plugin: PluginFixture) -> None:
    """A batch of the test samples has `views` rows for each sample, its features pool to one vector for each sample,
    and each tensor in `side` has one finite row for each sample."""
    tokens = plugin.tokens(plugin.make_tokenizer())
    number = len(plugin.samples)
    expect(
        tokens.num_samples == number,
        f"{len(tokens.values)} rows of {tokens.views} views are {tokens.num_samples} samples, and the batch has "
        f"{number}: set `views` to the number of rows of one sample",
    )
    pooled = vectors(plugin, tokens)
    expect(len(pooled) == number, f"{number} samples pool to {len(pooled)} vectors")
    for name, values in tokens.side.items():
        expect(
            values.ndim > 0 and len(values) == number,
            f"side[{name!r}] is {tuple(values.shape)}: give one row for each of the {number} samples",
        )
        expect(
            not values.is_floating_point() or bool(values.isfinite().all()),
            f"side[{name!r}] holds NaN or infinity: fill missing values and padding",
        )


@check()
def mask_coords_and_grid_agree(plugin: PluginFixture) -> None:
    """Each test sample has a real token. Coordinates of real tokens are finite floats, and on a grid no two tokens of a
    row have the same coordinates."""
    tokens = plugin.tokens(plugin.make_tokenizer())
    real = tokens.real()
    counts = real.reshape(tokens.num_samples, -1).sum(1)
    expect(
        int(counts.min()) > 0,
        f"test sample {int(counts.argmin())} has no real token: refuse it in prepare, or correct its mask",
    )
    if tokens.coords is None:
        return
    expect(
        tokens.coords.ndim == 3 and tokens.coords.is_floating_point(),
        f"coords are {tuple(tokens.coords.shape)} {tokens.coords.dtype}: give a row of floats for each token",
    )
    expect(
        bool(tokens.coords[real].isfinite().all()),
        "coords of real tokens are NaN or infinite: give each token its position, in the modality's unit",
    )
    if tokens.grid is None:
        return
    for row, (positions, is_real) in enumerate(zip(tokens.coords, real, strict=True)):
        num_positions = len(torch.unique(positions[is_real], dim=0))
        expect(
            num_positions == int(is_real.sum()),
            f"row {row} has {int(is_real.sum())} tokens on a grid of {tokens.grid}, at {num_positions} different "
            "positions: give each token the coordinates of its own patch",
        )


@check()
def the_same_batch_gives_the_same_tokens(plugin: PluginFixture) -> None:
    """In evaluation mode a batch is tokenized twice, with torch's generator in another state: the tokens are the same,
    bit for bit, and the batch is unchanged."""
    tokenizer = plugin.make_tokenizer()
    batch = plugin.batch(tokenizer)
    before = {name: tensor.clone() for name, tensor in batch.items()}
    with torch.no_grad():
        first = tokenizer(batch)
        changed = [name for name, tensor in before.items() if not torch.equal(bits(tensor), bits(batch[name]))]
        expect(not changed, f"forward changes {', '.join(changed)} of the batch in place: change a copy")
        second = tokenizer(batch)
    expect(
        torch.equal(first.values.nan_to_num(), second.values.nan_to_num()),
        f"the tokens differ by {difference(first.values, second.values):.2g} between two calls: draw random numbers in "
        "training mode only, and keep no state between calls",
    )


@check()
def a_sample_does_not_depend_on_the_rest_of_the_batch(plugin: PluginFixture) -> None:
    """A sample's real tokens are the same in a batch of all test samples, in that batch in reverse order, and in a
    small batch with the same padding."""
    ready = prepared(plugin.make_tokenizer(), plugin.samples)
    number = len(ready.items)
    together, backwards = ready.tokens(range(number)), ready.tokens(range(number)[::-1])
    for index in range(number):
        expected = real_tokens(together, index)
        for batch, other in (
            ("the same batch in reverse order", real_tokens(backwards, number - 1 - index)),
            ("a batch of fewer samples", real_tokens(ready.tokens([index, *ready.longest]), 0)),
        ):
            changed = difference(expected, other)
            expect(
                changed <= TOLERANCE,
                f"the tokens of test sample {index} differ by {changed:.2g} between a batch of {number} and {batch}: "
                "compute nothing over the batch axis (attention with the batch first? a norm over it?)",
            )


@check(waivable=False)
def padding_changes_nothing(plugin: PluginFixture) -> None:
    """A sample has the same real tokens and the same vector alone and in a batch with the longest sample, to whose
    length it is padded. If all test samples have the same length, samples of the plugin's files are used."""
    ready = samples_of_several_lengths(plugin)
    for index, alone in enumerate(ready.alone):
        beside = ready.tokens([index, *ready.longest])
        own, padded = real_tokens(alone, 0), real_tokens(beside, 0)
        expect(
            len(own) == len(padded),
            f"sample {index} has {len(own)} real tokens alone and {len(padded)} beside a longer one: set the mask to "
            "False where a token is padding",
        )
        changed = difference(own, padded)
        expect(
            changed <= TOLERANCE,
            f"the tokens of sample {index} differ by {changed:.2g} between alone and beside a longer one: keep padding "
            "out of every sum, mean and neighbourhood",
        )
        changed = difference(vectors(plugin, alone)[0], vectors(plugin, beside)[0])
        expect(
            changed <= TOLERANCE,
            f"the vector of sample {index} differs by {changed:.2g} between alone and beside a longer one, though its "
            "tokens do not: set the mask to True where a token is real and nowhere else",
        )


@check(waivable=False)
def output_depends_on_input(plugin: PluginFixture) -> None:
    """Any two test samples that differ have clearly different vectors, before any training."""
    tokenizer = plugin.make_tokenizer()
    ready = prepared(tokenizer, plugin.samples)
    vector_of = [vectors(plugin, tokens)[0] for tokens in ready.alone]
    pairs = [
        pair for pair in combinations(range(len(vector_of)), 2) if not are_close(*(ready.items[at] for at in pair))
    ]
    expect(bool(pairs), f"all {len(vector_of)} test samples of the demo are the same after prepare")
    for one, other in pairs:
        changed = difference(vector_of[one], vector_of[other])
        expect(
            changed > _CLEAR_DIFFERENCE,
            f"the vectors of test samples {one} and {other}, which differ, are equal up to {changed:.2g}: "
            "let tokens contain the sample's values, at a scale comparable to their positions",
        )


@check()
def every_part_of_the_input_reaches_the_tokens(plugin: PluginFixture) -> None:
    """In each tensor that `prepare` returns, each quarter along each axis is replaced by that of another test sample:
    real tokens, or `side`, must change. All weights are changed a little before, as by training."""
    tokenizer = plugin.make_tokenizer()
    with torch.no_grad():
        for parameter in tokenizer.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    items = [tokenizer.prepare(sample) for sample in plugin.samples]
    results = {part: changes_tokens(tokenizer, replaced(items, part)) for part in parts_of(items[0])}
    expect(
        any(result is not None for result in results.values()),
        "no part of a prepared sample could be replaced: let some test samples of the demo have the same shape",
    )
    unused = [str(part) for part, result in results.items() if result is False]
    expect(
        not unused,
        f"tokens do not change with {'; '.join(unused[:3])}{' …' * (len(unused) > 3)}: use it in forward, or do not "
        "return it from prepare",
    )


@check()
def half_precision_is_supported(plugin: PluginFixture) -> None:
    """Under autocast to bfloat16, as with `mt train --precision bf16`, the vectors of the test samples are finite and
    close to those of float32."""
    tokenizer = plugin.make_tokenizer()
    batch = plugin.batch(tokenizer)  # in a data worker, without autocast
    with torch.no_grad():
        expected = vectors(plugin, tokenizer(batch))
        with torch.autocast("cpu", torch.bfloat16):
            halved = vectors(plugin, tokenizer(batch)).float()
    changed = difference(expected, halved)
    expect(
        bool(halved.isfinite().all()) and changed <= _BFLOAT16_TOLERANCE,
        f"vectors in bfloat16 differ by {changed:.2g} from those in float32: create tensors in the dtype of what is "
        "written into them, and keep numbers that are large or close to each other in float32",
    )


@check()
def other_widths_are_supported(plugin: PluginFixture) -> None:
    """Tokenizers for encoders of width 96 and 192 give tokens of that width, which these encoders accept."""
    for width in OTHER_WIDTHS:
        tokens = plugin.tokens(plugin.make_tokenizer(width))
        expect(
            tokens.values.shape[-1] == width,
            f"a tokenizer made with width {width} gives tokens of width {tokens.values.shape[-1]}: derive every size "
            "from the width it is made with",
        )
        with torch.no_grad():
            pooled = small_encoder(width)(tokens).pooled
        expect(bool(pooled.isfinite().all()), f"vectors of width {width} are not finite")
