"""Faults that the checks of learning catch, beside the one that each has in `test_broken`."""

import pytest

from .broken_learning import ADOPTED, init_from_encoder
from .broken_tokens import STEM, values
from .conftest import Change, result_of

CALIBRATE = "readings = np.concatenate(["
REFUSAL = 'raise OptionError("the scales of the readings are not known", fix="train first, or call calibrate")'


def calibrate(code: str) -> Change:
    return Change("tokenizer.py", CALIBRATE, f"{code}\n        {CALIBRATE}")


FAULTS = {
    "a tokenizer that is frozen by mistake": (
        "gradients_reach_every_parameter",
        values("self.stem(numbers_RN4).detach()"),
        "no gradient reaches stem.0.bias, stem.0.weight, stem.2.bias, stem.2.weight",
    ),
    "a tokenizer that learns almost nothing": (
        "gradients_reach_every_parameter",
        values("0 * self.stem(numbers_RN4)"),
        "the gradient of 4 of 4 parameters is always zero",
    ),
    "a tokenizer without parameters": (
        "gradients_reach_every_parameter",
        Change("tokenizer.py", STEM, STEM.replace("self.stem =", "self.__dict__['stem'] =")),
        "the tokenizer has no parameters",
    ),
    "a part that only evaluation uses": (
        "gradients_reach_every_parameter",
        values("self.stem[2](torch.zeros(*values_RN.shape, 16)) if self.training else self.stem(numbers_RN4)"),
        "no gradient reaches stem.0.bias, stem.0.weight:",
    ),
    "an encoder that the tokenizer holds": (
        "no_gradient_reaches_the_encoder",
        init_from_encoder(f"{ADOPTED}\n        self.encoder = encoder"),
        "the tokenizer holds the encoder's parameters as encoder.blocks",
    ),
    "an encoder that is drawn anew": (
        "the_encoder_is_unchanged_by_training",
        init_from_encoder(f"{ADOPTED}\n        [each.normal_() for each in encoder.parameters()]"),
        "has changed after init_from_encoder",
    ),
    "an encoder that forward writes to": (
        "the_encoder_is_unchanged_by_training",
        init_from_encoder(
            f"{ADOPTED}\n        self.__dict__['forward'] = lambda batch: (encoder.prefix.data.add_(1), "
            "SpecimenTokenizer.forward(self, batch))[1]"
        ),
        "has changed after training",
    ),
    "an encoder that trains with the tokenizer": (
        "the_encoder_is_unchanged_by_training",
        init_from_encoder(f"{ADOPTED}\n        self.encoder = encoder"),
        "has changed after training",
    ),
    "evaluation that is not what was trained": (
        "a_dozen_samples_can_be_learned",
        values("self.stem(numbers_RN4 if self.training else numbers_RN4.roll(1, 0).flip(1))"),
        "be the same in training and in evaluation",
    ),
    "samples that tokens do not tell apart": (
        "a_dozen_samples_can_be_learned",
        values("self.stem(torch.ones_like(numbers_RN4))"),
        "a constant answer's 0.69",
    ),
    "targets that do not differ": (
        "a_dozen_samples_can_be_learned",
        Change("dataset.py", "CLASSES[number % 2]", "CLASSES[0]"),
        "let the demo's targets differ",
    ),
    "calibration on data of its own": (
        "calibration_uses_the_given_examples_alone",
        calibrate("from mt_plugin_specimen.dataset import SpecimenDataset\n        SpecimenDataset.demo('test')"),
        "calibrate opens data of its own",
    ),
    "calibration that counts the examples": (
        "calibration_uses_the_given_examples_alone",
        calibrate("len(examples)"),
        "TypeError",
    ),
    "a refusal that is no error of ours": (
        "calibration_is_required",
        Change("tokenizer.py", REFUSAL, "raise ValueError('no scales')"),
        "before calibration it raises ValueError (no scales)",
    ),
    "a refusal without a fix": (
        "calibration_is_required",
        Change("tokenizer.py", REFUSAL, "raise OptionError('no scales')"),
        "has no fix",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_reported(fault, specimen):
    name, change, message = FAULTS[fault]
    specimen(change)
    result = result_of(name)
    assert (result.outcome, message in result.message) == ("failed", True), result.message


def test_samples_of_one_class_at_the_start_are_learned_beside_one_of_another(specimen):
    specimen(Change("dataset.py", "CLASSES[number % 2]", "CLASSES[number > 20]"))
    assert result_of("a_dozen_samples_can_be_learned").outcome == "passed"
