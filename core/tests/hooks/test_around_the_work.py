"""`mt_tokenize`, `mt_encode` and `mt_predict`: plugins change what the core's work gives."""

import numpy as np
import pytest

import mt_core as mt
from mt_core.plugins import get

ZEROS = """
from dataclasses import replace
@hookimpl(wrapper=True)
def mt_tokenize(tokenizer, batch):
    tokens = yield
    return replace(tokens, values=torch.zeros_like(tokens.values))
"""
TWICE = """
from dataclasses import replace
@hookimpl(wrapper=True)
def mt_encode(encoder, tokens):
    features = yield
    return replace(features, tokens=2 * features.tokens)
"""
FLIPPED = """
@hookimpl(wrapper=True)
def mt_predict(head, features):
    output = yield
    return -output
"""


def test_tokens_can_be_changed_before_the_encoder_sees_them(hooked, work):
    hooked()
    assert not np.array_equal(work.embed(seed=0), work.embed(seed=1))
    hooked(ZEROS)
    assert np.array_equal(work.embed(seed=0), work.embed(seed=1))  # nothing is left of the tokenizers


def test_features_can_be_changed_before_they_are_pooled(hooked, work):
    hooked()
    plain = work.embed()
    hooked(TWICE)
    assert work.embed() == pytest.approx(2 * plain)


def test_scores_can_be_changed_before_they_are_decoded(hooked, work):
    hooked()
    model = work.fitted()
    (plain,) = mt.predict(model, [work.series])
    hooked(FLIPPED)
    get("toy")
    (flipped,) = mt.predict(model, [work.series])
    assert {plain["prediction"], flipped["prediction"]} == {"rising", "falling"}


def test_a_hook_learns_which_modality_the_batch_is_of(hooked, work):
    module = hooked("@hookimpl\ndef mt_encode(modality):\n    seen.append(modality)", "other")
    hooked()
    get("other")
    work.embed()
    assert module.seen == ["toy"]


IN_AND_OUT = """
@hookimpl(wrapper=True{how})
def {hook}():
    seen.append("in")
    answer = yield
    seen.append("out")
    return answer
"""


@pytest.mark.parametrize(
    ("how_first", "how_second", "outer"),
    [
        ("", "", "second"),
        (", tryfirst=True", "", "first"),
        ("", ", trylast=True", "first"),
    ],
)
@pytest.mark.parametrize("hook", ["mt_tokenize", "mt_encode", "mt_predict"])
def test_of_two_plugins_the_one_asked_for_first_is_innermost_unless_it_says_otherwise(
    hooked, work, hook, how_first, how_second, outer
):
    order = []
    for name, how in (("first", how_first), ("second", how_second)):
        module = hooked(IN_AND_OUT.format(hook=hook, how=how), name)
        module.seen = type("Seen", (), {"append": lambda _, what, name=name: order.append(f"{name} {what}")})()
    hooked()
    get("first"), get("second")
    work.meeting(hook)
    inner = "first" if outer == "second" else "second"
    assert order[-4:] == [f"{outer} in", f"{inner} in", f"{inner} out", f"{outer} out"]


@pytest.mark.usefixtures("feature_cache")
def test_features_kept_for_probes_are_not_those_that_a_hook_has_changed(hooked, work):
    hooked()
    plain = work.fit(tune="probe").metrics["loss"]
    hooked(TWICE)
    assert work.fit(tune="probe").metrics["loss"] != plain
    hooked()
    assert work.fit(tune="probe").metrics["loss"] == plain
