"""Faults that the checks of tokens and of capabilities catch, beside the one that each has in `test_broken`."""

import pytest

from .broken_tokens import STEM, values
from .conftest import Change, result_of

SHAPE = "shape = int(draw.integers(3, 9)), int(draw.integers(1, 4))"
COORDS = "coords=values_RN.unsqueeze(-1), views=views"
PREPARED = "readings = torch.from_numpy(sample)\n"


def coords(code: str) -> Change:
    return Change("tokenizer.py", COORDS, f"{code}, views=views")


def undeclared(capability: str) -> Change:
    return Change("plugin.toml", f'"{capability}",', "")


FAULTS = {
    "ids instead of embeddings": (
        "tokens_are_finite_floats_of_the_encoders_width",
        values("numbers_RN4.long()"),
        "not token ids",
    ),
    "a width of its own": (
        "tokens_are_finite_floats_of_the_encoders_width",
        values("numbers_RN4"),
        "their last axis must be the tokenizer's width, 64",
    ),
    "not a number": (
        "tokens_are_finite_floats_of_the_encoders_width",
        values("self.stem(numbers_RN4) / (values_RN > 0).unsqueeze(-1)"),
        "real tokens are NaN or infinite",
    ),
    "views that are not set": (
        "views_fold_back_into_samples",
        Change("tokenizer.py", "views=views,", ""),
        "rows of 1 views",
    ),
    "a side that is not finite": (
        "views_fold_back_into_samples",
        Change("tokenizer.py", 'batch["mask"].sum((1, 2))', 'batch["largest"] / 0'),
        "side['count'] holds NaN",
    ),
    "one place for all of a grid": (
        "mask_coords_and_grid_agree",
        coords("coords=torch.ones(*values_RN.shape, 2), grid=(values_RN.shape[1],)"),
        "at 1 different positions",
    ),
    "coordinates that are numbers of places": (
        "mask_coords_and_grid_agree",
        coords("coords=torch.ones(*values_RN.shape, 2).long()"),
        "give a row of floats for each token",
    ),
    "a sample without a token": (
        "mask_coords_and_grid_agree",
        Change("tokenizer.py", "mask=mask_RN,", "mask=mask_RN & (len(values_RN) < 9),"),
        "test sample 0 has no real token",
    ),
    "a batch that is changed": (
        "the_same_batch_gives_the_same_tokens",
        values("self.stem(numbers_RN4) * batch['largest'].add_(1).isfinite().all()"),
        "forward changes largest of the batch",
    ),
    "noise in evaluation": (
        "the_same_batch_gives_the_same_tokens",
        values("self.stem(numbers_RN4) + 1e-6 * torch.rand(())"),
        "between two calls",
    ),
    "attention over the batch axis": (
        "a_sample_does_not_depend_on_the_rest_of_the_batch",
        values(
            "nn.functional.scaled_dot_product_attention(*[self.stem(numbers_RN4).transpose(0, 1)] * 3).transpose(0, 1)"
        ),
        "attention with the batch first?",
    ),
    "a norm over the batch": (
        "a_sample_does_not_depend_on_the_rest_of_the_batch",
        values("self.stem(numbers_RN4) - self.stem(numbers_RN4).mean(0)"),
        "between a batch of 12 and a batch of fewer samples",
    ),
    "padding in a mean": (
        "padding_changes_nothing",
        values("self.stem(numbers_RN4) + self.stem(numbers_RN4).mean(1, keepdim=True)"),
        "keep padding out of every sum",
    ),
    "padding in a neighbourhood": (
        "padding_changes_nothing",
        values("self.stem(numbers_RN4) + nn.functional.pad(self.stem(numbers_RN4)[:, 1:], (0, 0, 0, 1))"),
        "beside a longer one",
    ),
    "a constant readout": (
        "output_depends_on_input",
        values("self.stem(torch.ones_like(numbers_RN4))"),
        "which differ, are equal up to",
    ),
    "only the first two looked at": (
        "every_part_of_the_input_reaches_the_tokens",
        Change("tokenizer.py", "mask=mask_RN,", "mask=mask_RN & (torch.arange(mask_RN.shape[1]) < 2),"),
        "part 4 of 4 along axis 0 of 'readings'",
    ),
    "an order that is the same": (
        "the_order_within_a_sample_does_not_matter",
        Change("tokenizer.py", "sample[torch.randperm(len(sample), generator=generator).numpy()]", "sample.copy()"),
        "gave another order 0 times of 36",
    ),
    "an order that changes the sample": (
        "the_order_within_a_sample_does_not_matter",
        Change(
            "tokenizer.py", "return sample[torch.randperm(len(sample), generator=generator).numpy()]", "sample.sort(0)"
        ),
        "changes test sample 0 itself",
    ),
    "the first channel alone": (
        "any_number_of_channels_is_supported",
        Change("tokenizer.py", PREPARED, "readings = torch.from_numpy(sample[:, :1])\n"),
        "is the same with 1 channels as with all",
    ),
    "variable_length": ("every_capability_is_declared", undeclared("variable_length"), "different numbers of tokens"),
    "permutation_invariant": (
        "every_capability_is_declared",
        undeclared("permutation_invariant"),
        "overrides `permuted`",
    ),
    "any_channels": ("every_capability_is_declared", undeclared("any_channels"), "overrides `with_channels`"),
    "needs_calibration": (
        "every_capability_is_declared",
        undeclared("needs_calibration"),
        "refuses the test samples",
    ),
    "tensors of a fixed type": (
        "half_precision_is_supported",
        values("torch.zeros(*mask_RN.shape, 64).index_put((mask_RN,), self.stem(numbers_RN4[mask_RN]))"),
        "Index put requires the source and destination dtypes match",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_reported(fault, specimen):
    name, change, message = FAULTS[fault]
    specimen(change)
    result = result_of(name)
    assert (result.outcome, message in result.message) == ("failed", True), result.message


@pytest.mark.parametrize("number", [1, 5])
def test_a_number_of_channels_that_is_refused_is_reported(number, specimen):
    specimen(
        Change("dataset.py", "int(draw.integers(1, 4))", "3"),
        Change("tokenizer.py", PREPARED, f"sample.shape[1] != {number} or next(self.stream([]))\n        {PREPARED}"),
    )
    assert f"is refused with {number} channels" in result_of("any_number_of_channels_is_supported").message


@pytest.mark.parametrize("mask", ["mask=mask_RN,", "mask=None,"])
def test_padding_is_seen_where_no_demo_sample_differs_in_length(mask, specimen):
    specimen(
        Change("dataset.py", SHAPE, "shape = 6, 2"),
        undeclared("any_channels"),
        Change("tokenizer.py", "mask=mask_RN,", mask),
    )
    assert result_of("samples_have_different_lengths").outcome == "passed"
    assert result_of("padding_changes_nothing").outcome == ("passed" if "RN" in mask else "failed")


def test_a_declared_length_that_nothing_shows_is_reported(specimen):
    specimen(
        Change("dataset.py", SHAPE, "shape = 6, 2"),
        Change("dataset.py", "size=(2, 4, 3)", "size=(2, 6, 2)"),
        undeclared("any_channels"),
    )
    assert "samples have 6 + 6 tokens" in result_of("samples_have_different_lengths").message


def test_a_tokenizer_whose_weights_begin_at_zero_is_no_constant_readout_of_its_parts(specimen):
    specimen(Change("tokenizer.py", STEM, f"{STEM}\n        nn.init.zeros_(self.stem[2].weight)"))
    assert result_of("every_part_of_the_input_reaches_the_tokens").outcome == "passed"
    assert result_of("output_depends_on_input").outcome == "failed"


def test_a_batch_that_holds_missing_numbers_is_not_taken_for_changed(specimen):
    prepared = '"largest": torch.stack([item["largest"] for item in items])}'
    specimen(Change("tokenizer.py", prepared, f'{prepared[:-1]}, "missing": torch.full((len(items),), torch.nan)}}'))
    assert result_of("the_same_batch_gives_the_same_tokens").outcome == "passed"
