"""What the checks of persistence notice beside the faults in `broken_persistence.py`, and what they let pass."""

import ast

import pytest
import torch

from mt_core.conformance.checks.persistence import differences
from mt_core.conformance.checks.source import unpicklings

from .broken_persistence import at_first
from .conftest import Change, result_of

STATE = "state_survives_a_save_in_a_new_process"
CALIBRATION = "a_calibration_restores_the_same_tokenizer"
PICKLING = "a_tokenizer_survives_pickling"


def instead(old: str, new: str) -> Change:
    return Change("tokenizer.py", old, new)


def before(old: str, text: str) -> Change:
    return instead(old, text + old)


GAIN = instead("return Tokens(self.stem(", "return Tokens(self.gain * self.stem(")
ADOPT = "    def init_from_encoder(self, encoder):\n"
RETURN = "        return Tokens("
STATISTICS = '{"scale": float(self.scale), "shift": float(self.shift)}'
LEARNED = '        self.restore({"scale": '

FAULTS = {
    "taken from the encoder and not saved": (
        STATE,
        [at_first("self.gain = 1"), instead(ADOPT, f"{ADOPT}        self.gain = 2\n"), GAIN],
        "the tokens differ: values differs in",
    ),
    "the colour mean of the encoder, not saved": (
        STATE,
        [
            at_first('self.register_buffer("gain", torch.tensor(0.5), persistent=False)'),
            instead(ADOPT, f"{ADOPT}        self.gain.fill_(encoder.mean[0])\n"),
            GAIN,
        ],
        "the tokens differ: values differs in",
    ),
    "a state that is no tensor": (
        STATE,
        [
            before(
                ADOPT,
                "    def get_extra_state(self):\n        return 3\n\n"
                "    def set_extra_state(self, state):\n        pass\n\n",
            )
        ],
        "_extra_state, which is not a tensor",
    ),
    "weights made while training": (
        STATE,
        [before(RETURN, "        if self.training:\n            self.late = nn.Parameter(torch.ones(1))\n")],
        'Unexpected key(s) in state_dict: "late"',
    ),
    "a calibration that is no JSON": (
        STATE,
        [instead(STATISTICS, '{"scale": float(self.scale), "shift": self.shift.numpy()[()]}')],
        "float32 is not JSON serializable",
    ),
    "calibrated and not restored": (
        CALIBRATION,
        [at_first("self.gain = 1"), before(LEARNED, "        self.gain = 2\n"), GAIN],
        "values differs in",
    ),
    "keys that JSON makes texts of": (
        CALIBRATION,
        [
            instead(STATISTICS, "{0: float(self.scale), 1: float(self.shift)}"),
            instead(LEARNED, "        self.restore({0: "),
            instead('"shift": float(readings.mean())', "1: float(readings.mean())"),
            instead('self.scale.fill_(calibration["scale"])', "self.scale.fill_(calibration[0])"),
            instead('self.shift.fill_(calibration["shift"])', "self.shift.fill_(calibration[1])"),
        ],
        "raised KeyError: 0",
    ),
    "a lock": (PICKLING, [at_first("self.lock = __import__('threading').Lock()")], "cannot pickle '_thread.lock'"),
    "a copy that is not calibrated": (
        PICKLING,
        [before(ADOPT, "    def __reduce__(self):\n        return type(self), (self.width, self.options)\n\n")],
        "the scales of the readings are not known",
    ),
}


@pytest.mark.parametrize(
    ("check", "changes", "message"),
    FAULTS.values(),
    ids=FAULTS,
)
def test_a_fault_is_reported(check, changes, message, specimen):
    specimen(*changes)
    result = result_of(check)
    assert result.outcome == "failed"
    assert message in result.message


def test_a_tokenizer_that_learns_nothing_from_the_data_has_nothing_to_restore(specimen):
    specimen(
        Change("plugin.toml", '"needs_calibration", ', ""),
        instead(f"return {STATISTICS} if self.is_calibrated else {{}}", "return {}"),
        instead("self.is_calibrated = False", "self.is_calibrated = True"),
    )
    assert result_of(CALIBRATION).outcome == "passed"


def test_a_tokenizer_that_needs_calibration_says_what_it_learned(specimen):
    specimen(instead(f"return {STATISTICS} if self.is_calibrated else {{}}", "return {}"))
    assert "calibration() is empty" in result_of(CALIBRATION).message


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("import pickle", "imports pickle"),
        ("import dill as p", "imports dill"),
        ("from pickle import loads", "imports pickle"),
        ("def f():\n    import cloudpickle.compat", "imports cloudpickle.compat"),
        ("import torch\ntorch.load(f)", "calls torch.load without weights_only=True"),
        ("import torch as t\nt.load(f, weights_only=False)", "calls torch.load without weights_only=True"),
        ("from torch import load\nload(f, weights_only=safe)", "calls torch.load without weights_only=True"),
        ("import numpy as np\nnp.load(f, allow_pickle=True)", "allows pickles"),
        ("from numpy.lib import format\nformat.read_array(f, allow_pickle=how)", "allows pickles"),
        ("import pandas as pd\npd.read_pickle(f)", "calls pandas.read_pickle"),
        ("import joblib\njoblib.load(f)", "calls joblib.load"),
    ],
)
def test_what_unpickles_is_found(text, what):
    assert [message for _, message in unpicklings(ast.parse(text))] == [what]


@pytest.mark.parametrize(
    "text",
    [
        "import torch\ntorch.load(f, map_location='cpu', weights_only=True)",
        "import numpy as np\nnp.load(f)\nnp.load(f, allow_pickle=False)",
        "import json\njson.load(f)",
        "from joblib import Parallel",
        "'torch.load(f)'",
        "from .pickle import jar",
    ],
)
def test_what_does_not_unpickle_passes(text):
    assert not list(unpicklings(ast.parse(text)))


def test_tensors_are_compared_bit_by_bit():
    nan = torch.tensor([float("nan"), 1.0])
    assert differences({"a": nan}, {"a": nan.clone()}) == []
    assert differences({"a": torch.zeros(3)}, {"a": torch.tensor([0.0, -0.0, 1e-45])}) != []
    assert differences({"a": torch.zeros(2)}, {"a": torch.zeros(2, dtype=torch.float64)}) == [
        "a is (2,) torch.float32 and (2,) torch.float64"
    ]
    assert differences({"a": nan}, {}) == ["only one has a"]
