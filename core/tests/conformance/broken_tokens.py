"""A broken plugin for each check of the family `tokens`."""

from .conftest import Change

VALUES = "Tokens(self.stem(numbers_RN4), mask=mask_RN,"
STEM = "self.stem = nn.Sequential(nn.Linear(4, 16), nn.GELU(), nn.Linear(16, width))"


def values(code: str) -> Change:
    """The tokens are something else."""
    return Change("tokenizer.py", VALUES, f"Tokens({code}, mask=mask_RN,")


BROKEN: dict[str, list[Change]] = {
    "tokens_are_finite_floats_of_the_encoders_width": [values("self.stem(numbers_RN4).double()")],
    "views_fold_back_into_samples": [Change("tokenizer.py", 'batch["mask"].sum((1, 2))', "mask_RN.sum(1)")],
    "mask_coords_and_grid_agree": [
        Change("tokenizer.py", "coords=values_RN.unsqueeze(-1)", "coords=values_RN.log().unsqueeze(-1)")
    ],
    "the_same_batch_gives_the_same_tokens": [
        Change(
            "tokenizer.py",
            'views = batch["readings"].shape[1]\n',
            'views = batch["readings"].masked_fill_(~batch["mask"], -1.0).shape[1]\n',
        )
    ],
    "a_sample_does_not_depend_on_the_rest_of_the_batch": [
        values("self.stem(numbers_RN4) + 0.1 * (torch.arange(len(values_RN)) // views)[:, None, None]")
    ],
    "padding_changes_nothing": [Change("tokenizer.py", "mask=mask_RN,", "mask=None,")],
    "output_depends_on_input": [
        Change("tokenizer.py", STEM, f"{STEM}\n        self.gain = nn.Parameter(torch.full((width,), 2e-6))"),
        values("1 + self.gain * self.stem(numbers_RN4)"),
    ],
    "every_part_of_the_input_reaches_the_tokens": [
        Change("tokenizer.py", "values_RN.sin(), largest_RN]", "values_RN.sin(), values_RN.cos()]")
    ],
    "half_precision_is_supported": [
        values("torch.zeros(*mask_RN.shape, self.width).index_put((mask_RN,), self.stem(numbers_RN4[mask_RN]))")
    ],
    "other_widths_are_supported": [
        Change("tokenizer.py", "nn.Linear(16, width))", "nn.Linear(16, width - width % 64))")
    ],
}
