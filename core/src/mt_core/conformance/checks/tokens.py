"""What `forward` gives to the encoder.  R rows, N tokens, D width."""

from __future__ import annotations

from itertools import combinations

import torch

from mt_core.conformance.check import check, expect
from mt_core.conformance.fixture import WIDTH, PluginFixture, small_encoder
from mt_core.conformance.lengths import (
    TOLERANCE,
    are_same,
    difference,
    of_several_lengths,
    prepared,
    real_tokens,
    vectors,
)
from mt_core.conformance.perturbations import bits, exchanged, parts_of, shows
from mt_core.contract import Tokens

OTHER_WIDTHS = (96, 192)

_CLEARLY = 1e-3  # relative; ten times what is called the same
_HALF_PRECISION = 0.1  # relative; bfloat16 has 8 bits, and its errors add up through two blocks


@check()
def tokens_are_finite_floats_of_the_encoders_width(subject: PluginFixture) -> None:
    """The test samples are tokenized: `forward` returns `Tokens` whose values are (rows, tokens, the width that the
    tokenizer was made with), float32 as its weights are, and finite where a token is real."""
    tokens = subject.tokens(subject.tokenizer())
    expect(isinstance(tokens, Tokens), f"forward returns {type(tokens).__name__}: return mt_core.contract.Tokens")
    shape, dtype = tuple(tokens.values.shape), tokens.values.dtype
    expect(shape[-1] == WIDTH, f"the tokens are {shape}: their last axis has to be the tokenizer's width, {WIDTH}")
    expect(dtype == torch.float32, f"the tokens are {dtype}: return float32, what the weights are")
    is_finite = tokens.values[tokens.real()].isfinite()
    expect(
        bool(is_finite.all()),
        f"{int((~is_finite).any(-1).sum())} of {len(is_finite)} real tokens hold NaN or infinity: look for a division "
        "by a deviation of zero, and for a mask that is true beyond the sample's end",
    )


@check()
def views_fold_back_into_samples(subject: PluginFixture) -> None:
    """A batch of the test samples has as many rows as samples times `views`, its features pool to one vector a sample,
    and whatever stands in `side` has one finite row a sample."""
    tokens = subject.tokens(subject.tokenizer())
    number = len(subject.samples)
    expect(
        tokens.num_samples == number,
        f"{len(tokens.values)} rows of {tokens.views} views are {tokens.num_samples} samples, and the batch has "
        f"{number}: let `views` be the rows that belong to one sample",
    )
    pooled = vectors(subject, tokens)
    expect(len(pooled) == number, f"{number} samples pool to {len(pooled)} vectors")
    for name, values in tokens.side.items():
        expect(
            values.ndim > 0 and len(values) == number,
            f"side[{name!r}] is {tuple(values.shape)}: give one row for each of the {number} samples",
        )
        expect(
            not values.is_floating_point() or bool(values.isfinite().all()),
            f"side[{name!r}] holds NaN or infinity: give what the head can work with, and zeros behind the end",
        )


@check()
def mask_coords_and_grid_agree(subject: PluginFixture) -> None:
    """Each test sample has a real token; where tokens have coordinates, those of real tokens are finite floats, and
    where they lie on a grid no two of a row are in the same place."""
    tokens = subject.tokens(subject.tokenizer())
    real = tokens.real()
    counts = real.reshape(tokens.num_samples, -1).sum(1)
    expect(
        int(counts.min()) > 0,
        f"test sample {int(counts.argmin())} has no real token: refuse it in prepare, or give its mask a True",
    )
    if tokens.coords is None:
        return
    expect(
        tokens.coords.ndim == 3 and tokens.coords.is_floating_point(),
        f"coords are {tuple(tokens.coords.shape)} {tokens.coords.dtype}: give a row of floats for each token",
    )
    expect(
        bool(tokens.coords[real].isfinite().all()),
        "coords of real tokens hold NaN or infinity: give the place of every token, in the modality's unit",
    )
    if tokens.grid is None:
        return
    for row, (places, is_real) in enumerate(zip(tokens.coords, real, strict=True)):
        num_places = len(torch.unique(places[is_real], dim=0))
        expect(
            num_places == int(is_real.sum()),
            f"row {row} has {int(is_real.sum())} tokens on a grid of {tokens.grid}, in {num_places} different places: "
            "give each token the coordinates of its own patch",
        )


@check()
def the_same_batch_gives_the_same_tokens(subject: PluginFixture) -> None:
    """In evaluation mode the same batch is tokenized twice, with torch's generator in another state: the tokens are the
    same to the last bit, and the batch is as it was."""
    tokenizer = subject.tokenizer()
    batch = subject.batch(tokenizer)
    before = {name: tensor.clone() for name, tensor in batch.items()}
    with torch.no_grad():
        first = tokenizer(batch)
        changed = [name for name, tensor in before.items() if not torch.equal(bits(tensor), bits(batch[name]))]
        expect(not changed, f"forward changes {', '.join(changed)} of the batch in place: work on a copy")
        second = tokenizer(batch)
    expect(
        torch.equal(first.values.nan_to_num(), second.values.nan_to_num()),
        f"the tokens differ by {difference(first.values, second.values):.2g} between two calls: draw random numbers in "
        "training mode only, and keep no state from call to call",
    )


@check()
def a_sample_does_not_depend_on_the_rest_of_the_batch(subject: PluginFixture) -> None:
    """A sample's real tokens are the same in a batch of all test samples, in the reverse of that order, and in a small
    batch that is padded alike."""
    ready = prepared(subject.tokenizer(), subject.samples)
    number = len(ready.items)
    everyone, backwards = ready.tokens(range(number)), ready.tokens(range(number)[::-1])
    for index in range(number):
        expected = real_tokens(everyone, index)
        for said, other in (
            ("the same batch in reverse order", real_tokens(backwards, number - 1 - index)),
            ("a batch of fewer samples", real_tokens(ready.tokens([index, *ready.longest]), 0)),
        ):
            changed = difference(expected, other)
            expect(
                changed <= TOLERANCE,
                f"the tokens of test sample {index} differ by {changed:.2g} between a batch of {number} and {said}: "
                "compute nothing over the batch axis (attention with the batch first? a norm over it?)",
            )


@check(waivable=False)
def padding_changes_nothing(subject: PluginFixture) -> None:
    """A sample has the same real tokens and the same vector alone and beside the longest sample, to whose length it is
    padded. Where the test samples are of one length, the plugin's example files are taken."""
    ready = of_several_lengths(subject)
    for index, alone in enumerate(ready.alone):
        beside = ready.tokens([index, *ready.longest])
        own, padded = real_tokens(alone, 0), real_tokens(beside, 0)
        expect(
            len(own) == len(padded),
            f"sample {index} has {len(own)} real tokens alone and {len(padded)} beside a longer one: give a mask that "
            "is False where a token is padding",
        )
        changed = difference(own, padded)
        expect(
            changed <= TOLERANCE,
            f"the tokens of sample {index} differ by {changed:.2g} between alone and beside a longer one: keep padding "
            "out of every sum, mean and neighbourhood",
        )
        changed = difference(vectors(subject, alone)[0], vectors(subject, beside)[0])
        expect(
            changed <= TOLERANCE,
            f"the vector of sample {index} differs by {changed:.2g} between alone and beside a longer one, though its "
            "tokens do not: let the mask be True where a token is real and nowhere else",
        )


@check(waivable=False)
def output_depends_on_input(subject: PluginFixture) -> None:
    """Any two test samples that are not the same have clearly different vectors, before any training."""
    tokenizer = subject.tokenizer()
    ready = prepared(tokenizer, subject.samples)
    vector = [vectors(subject, tokens)[0] for tokens in ready.alone]
    pairs = [pair for pair in combinations(range(len(vector)), 2) if not are_same(*(ready.items[at] for at in pair))]
    expect(bool(pairs), f"all {len(vector)} test samples of the demonstration are the same once they are prepared")
    for one, other in pairs:
        changed = difference(vector[one], vector[other])
        expect(
            changed > _CLEARLY,
            f"the vectors of test samples {one} and {other}, which differ, are the same to {changed:.2g}: let tokens "
            "carry the sample's values, in a size that their positions do not drown",
        )


@check()
def every_part_of_the_input_reaches_the_tokens(subject: PluginFixture) -> None:
    """Of each tensor that `prepare` gives, each quarter along each axis is replaced by that of another test sample:
    real tokens, or what stands in `side`, must change. All weights are moved a little before, as training would."""
    tokenizer = subject.tokenizer()
    with torch.no_grad():
        for parameter in tokenizer.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    items = [tokenizer.prepare(sample) for sample in subject.samples]
    seen = {part: shows(tokenizer, exchanged(items, part)) for part in parts_of(items[0])}
    expect(
        any(shown is not None for shown in seen.values()),
        "no part of a prepared sample could be exchanged: let some test samples of the demonstration be of one shape",
    )
    unseen = [str(part) for part, shown in seen.items() if shown is False]
    expect(
        not unseen,
        f"tokens do not change with {'; '.join(unseen[:3])}{' …' * (len(unseen) > 3)}: use it in forward, or do not "
        "give it from prepare",
    )


@check()
def half_precision_is_taken(subject: PluginFixture) -> None:
    """Under autocast to bfloat16, as `mt train --precision bf16` runs it, vectors of the test samples are finite and
    close to those of float32."""
    tokenizer = subject.tokenizer()
    batch = subject.batch(tokenizer)  # a reader's work, which is not under autocast
    with torch.no_grad():
        expected = vectors(subject, tokenizer(batch))
        with torch.autocast("cpu", torch.bfloat16):
            halved = vectors(subject, tokenizer(batch)).float()
    changed = difference(expected, halved)
    expect(
        bool(halved.isfinite().all()) and changed <= _HALF_PRECISION,
        f"vectors in bfloat16 differ by {changed:.2g} from those in float32: make tensors like the ones that they are "
        "filled from, and keep numbers that are large or close to each other in float32",
    )


@check()
def other_widths_are_taken(subject: PluginFixture) -> None:
    """Tokenizers made for encoders of width 96 and 192 give tokens as wide, which these take."""
    for width in OTHER_WIDTHS:
        tokens = subject.tokens(subject.tokenizer(width))
        expect(
            tokens.values.shape[-1] == width,
            f"a tokenizer made with width {width} gives tokens of width {tokens.values.shape[-1]}: take every size in "
            "it from the width it is made with",
        )
        with torch.no_grad():
            pooled = small_encoder(width)(tokens).pooled
        expect(bool(pooled.isfinite().all()), f"vectors of width {width} are not finite")
