"""A broken plugin for each check of the family `capabilities`."""

from .broken_tokens import values
from .conftest import Change

BROKEN: dict[str, list[Change]] = {
    "the_order_within_a_sample_does_not_matter": [
        values("self.stem(numbers_RN4) * (1 + torch.arange(values_RN.shape[1]))[:, None]")
    ],
    "any_number_of_channels_is_supported": [
        Change(
            "tokenizer.py",
            "readings = torch.from_numpy(sample)\n",
            "if sample.shape[1] == 5:\n            raise InputError('five channels', fix='take four')\n"
            "        readings = torch.from_numpy(sample)\n",
        )
    ],
    "samples_have_different_lengths": [
        Change("dataset.py", "shape = int(draw.integers(3, 9)), int(draw.integers(1, 4))", "shape = 6, 2"),
        Change("dataset.py", "size=(2, 4, 3)", "size=(2, 6, 2)"),
        Change("tokenizer.py", "return sample[:, np.arange(channels) % sample.shape[1]]", "return sample"),
    ],
    "every_capability_is_declared": [Change("plugin.toml", '"init_from_encoder",', "")],
}
