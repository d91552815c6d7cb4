"""A broken plugin for each check of the family `learning`."""

from .broken_tokens import values
from .conftest import Change

ADOPTED = "self.stem[2].bias.copy_(encoder.prefix[0] if encoder.prefix is not None else torch.zeros(self.width))"


def init_from_encoder(code: str) -> Change:
    """`init_from_encoder` does something else."""
    return Change("tokenizer.py", ADOPTED, code)


BROKEN: dict[str, list[Change]] = {
    "gradients_reach_every_parameter": [
        Change(
            "tokenizer.py",
            "self.is_calibrated = False",
            "self.place = nn.Parameter(torch.zeros(3))\n        self.is_calibrated = False",
        )
    ],
    "no_gradient_reaches_the_encoder": [init_from_encoder(f"{ADOPTED}\n        encoder.requires_grad_(True)")],
    "the_encoder_is_unchanged_by_training": [init_from_encoder("self.stem[2].bias.data = encoder.prefix.data[0]")],
    "a_dozen_samples_can_be_learned": [
        values("self.stem(numbers_RN4 + 100.0 * self.training * torch.randn_like(numbers_RN4))")
    ],
    "calibration_uses_the_given_examples_alone": [
        Change("tokenizer.py", "float(readings.std()) or 1.0", "float(readings.std()) + float(self.scale)")
    ],
    "calibration_is_required": [Change("tokenizer.py", "if not self.is_calibrated:", "if False:")],
    "init_from_encoder_uses_the_encoder": [init_from_encoder("self.stem[2].bias.zero_()")],
}
