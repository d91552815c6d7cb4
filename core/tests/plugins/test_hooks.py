"""Hooks fire for the plugins in use, and a failing one is told by its plugin's name."""

import importlib
import logging

import pytest
import torch

from mt_core import hooks
from mt_core.errors import ContractError, PluginError, TokensError
from mt_core.hooks import session
from mt_core.plugins import get

IMPORTS = "from mt_core.hooks import hookimpl\nfrom mt_core.errors import *\n"


def install(site, code, name="waves"):
    site.install(name, more=f'hooks = "fake_{name}.hooks"', files={"hooks.py": IMPORTS + code})


def use(site, code):
    install(site, code)
    return get("waves").tokenizer(8)


def seen_by(name):
    return importlib.import_module(f"fake_{name}.hooks").seen


def tokenize(tokenizer, batch=None):
    batch = {"patches": torch.ones(2, 3, 4)} if batch is None else batch
    return hooks.call("mt_tokenize", modality="waves", tokenizer=tokenizer, batch=batch)


WRAP = """
@hookimpl(wrapper=True)
def mt_tokenize(modality):
    tokens = yield
    return type(tokens)(tokens.values * 0 + len(modality))
"""


def test_without_plugins_the_core_does_its_own_work(site):
    scores = torch.ones(2, 3)
    assert hooks.call("mt_predict", modality="waves", head=lambda features: features + 1, features=scores).sum() == 12
    assert hooks.call("mt_encode", modality="waves", encoder=sum, tokens=[1, 2]) == 3


@pytest.mark.parametrize("wrapper", ["", "@hookimpl(wrapper=True)\ndef mt_tokenize():\n    return (yield)"])
def test_a_tokenizer_that_gives_no_tokens_is_told_so_and_no_wrapper_is_blamed(site, wrapper):
    use(site, wrapper)
    with pytest.raises(ContractError) as caught:
        hooks.call("mt_tokenize", modality="waves", tokenizer=torch.nn.Identity(), batch={})
    assert caught.value.problem == "the tokenizer Identity gave a dict, not Tokens"
    assert caught.value.fix == "return Tokens from its `forward`"


def test_a_head_that_gives_no_tensor_is_told_so(site):
    with pytest.raises(ContractError, match="the head Identity gave a NoneType, not Tensor"):
        hooks.call("mt_predict", modality="waves", head=torch.nn.Identity(), features=None)


def test_a_plugin_wraps_the_cores_work(site):
    tokens = tokenize(use(site, WRAP))
    assert tokens.values.unique().tolist() == [5.0]


def test_the_hooks_of_a_plugin_that_nobody_asked_for_never_fire(site):
    install(site, WRAP, "tides")
    site.install("waves")
    tokens = tokenize(get("waves").tokenizer(8))
    assert tokens.values.unique().numel() > 1


def test_hooks_are_registered_once_however_often_the_plugin_is_asked_for(site):
    use(site, "@hookimpl\ndef mt_doctor_lines():\n    return ['calm']")
    get("waves")
    assert hooks.gather("mt_doctor_lines") == [["calm"]]


def test_the_relay_is_pluggys_own(site):
    use(site, "@hookimpl\ndef mt_doctor_lines():\n    return ['calm']")
    assert hooks.relay().mt_doctor_lines() == [["calm"]]


@pytest.mark.parametrize("place", ["1 / 0; yield", "yield; 1 / 0"])
def test_a_wrapper_that_fails_is_told_by_its_plugins_name(site, place):
    tokenizer = use(site, f"@hookimpl(wrapper=True)\ndef mt_tokenize():\n    {place}")
    with pytest.raises(PluginError) as caught:
        tokenize(tokenizer)
    assert caught.value.problem == (
        "waves (fake-waves 1.0): the hook mt_tokenize failed (ZeroDivisionError: division by zero)"
    )
    assert caught.value.fix == "report it to the authors of that plugin"
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_error_of_the_cores_own_work_is_not_blamed_on_a_wrapper(site):
    tokenizer = use(site, "@hookimpl(wrapper=True)\ndef mt_tokenize():\n    return (yield)")
    with pytest.raises(TokensError):
        tokenize(tokenizer, {"patches": torch.ones(3, 4)})


def test_a_wrapper_that_replaces_the_cores_error_is_blamed_for_its_own(site):
    code = """
@hookimpl(wrapper=True)
def mt_tokenize():
    try:
        return (yield)
    except TokensError as error:
        raise InputError("too few waves", "add some") from error
"""
    tokenizer = use(site, code)
    with pytest.raises(PluginError, match=r"waves .* failed .InputError: too few waves") as caught:
        tokenize(tokenizer, {"patches": torch.ones(3, 4)})
    assert caught.value.fix == "add some"


def test_a_wrapper_that_yields_twice_is_told_by_its_plugins_name(site):
    install(site, "@hookimpl(wrapper=True)\ndef mt_tokenize():\n    return (yield)", "tides")
    tokenizer = use(site, "@hookimpl(wrapper=True)\ndef mt_tokenize():\n    yield\n    yield")
    get("tides")
    with pytest.raises(PluginError, match=r"^waves .*mt_tokenize failed .RuntimeError: .*second yield"):
        tokenize(tokenizer)


def test_a_wrapper_that_never_yields_is_told_by_its_plugins_name(site):
    tokenizer = use(site, "@hookimpl(wrapper=True)\ndef mt_tokenize():\n    if False:\n        yield")
    with pytest.raises(PluginError, match=r"^waves .*mt_tokenize failed .RuntimeError: .*did not yield"):
        tokenize(tokenizer)


def test_a_wrapper_that_forgets_to_return_is_told_so(site):
    tokenizer = use(site, "@hookimpl(wrapper=True)\ndef mt_tokenize():\n    yield")
    with pytest.raises(PluginError) as caught:
        tokenize(tokenizer)
    assert caught.value.problem == "waves (fake-waves 1.0): the hook mt_tokenize gave nothing back"
    assert caught.value.fix == "end the hook by returning what `yield` gave it, changed or not"


def test_a_notified_hook_that_raises_does_not_end_the_run_nor_silence_others(site, caplog):
    install(site, "@hookimpl\ndef mt_step_end():\n    1 / 0", "tides")
    install(site, "seen = []\n@hookimpl\ndef mt_step_end(step, loss):\n    seen.append((step, loss))", "waves")
    install(site, "@hookimpl\ndef mt_step_end():\n    1 / 0", "swell")
    for name in ("tides", "waves", "swell"):
        get(name)
    for step in (1, 2):
        hooks.gather("mt_step_end", modality="waves", step=step, loss=0.5)
    assert seen_by("waves") == [(1, 0.5), (2, 0.5)]
    assert sorted(record.getMessage() for record in caplog.records) == [
        f"warning: {name} (fake-{name} 1.0): the hook mt_step_end failed (ZeroDivisionError: division by zero); "
        "the work goes on without it"
        for name in ("swell", "tides")
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_an_answer_of_a_wrong_type_is_left_out_and_told(site, caplog):
    use(site, "@hookimpl\ndef mt_metrics():\n    return ['accuracy']")
    assert hooks.gather("mt_metrics", modality="waves", task=None) == []
    assert "waves (fake-waves 1.0): the hook mt_metrics failed (TypeError: it gave a list, not a dict)" in caplog.text


def test_answers_of_all_plugins_are_gathered(site):
    install(site, "@hookimpl\ndef mt_register_encoders():\n    return {'a': object}", "tides")
    install(site, "@hookimpl\ndef mt_register_encoders():\n    return None", "waves")
    get("tides"), get("waves")
    assert hooks.gather("mt_register_encoders") == [{"a": object}]


@pytest.mark.parametrize("signature", ["mt_stepend()", "mt_step_end(stride)"])
def test_a_hook_that_fits_no_specification_is_refused_and_leaves_nothing_behind(site, signature):
    code = f"@hookimpl\ndef {signature}: ...\n@hookimpl\ndef mt_doctor_lines():\n    return ['calm']"
    with pytest.raises(ContractError, match=r"waves .*fake_waves\.hooks fits no specification") as caught:
        use(site, code)
    assert "mt_step_end" in caught.value.fix
    assert hooks.gather("mt_doctor_lines") == []


@pytest.mark.parametrize(
    ("code", "problem", "fix"),
    [
        ("def mt_step_end(step): ...", "mt_step_end is not marked as a hook", "write @hookimpl above it"),
        (
            "@hookimpl\ndef mt_encode(tokens):\n    return (yield)",
            "mt_encode has a `yield` and is no wrapper",
            "write @hookimpl(wrapper=True) above it",
        ),
    ],
)
def test_a_function_that_would_silently_do_nothing_is_refused(site, code, problem, fix):
    with pytest.raises(ContractError) as caught:
        use(site, code)
    assert caught.value.problem == f"waves (fake-waves 1.0): in fake_waves.hooks {problem}"
    assert fix in caught.value.fix


def test_a_session_tells_its_start_and_the_error_that_ended_it(site):
    code = """
seen = []
@hookimpl
def mt_session_start(modality, command):
    seen.append((modality, command))
@hookimpl
def mt_session_finish(command, error):
    seen.append((command, error))
"""
    use(site, code)
    failure = ValueError("ended")
    with pytest.raises(ValueError), session("waves", "train"):
        raise failure
    with session("waves", "embed"):
        pass
    assert seen_by("waves") == [("waves", "train"), ("train", failure), ("waves", "embed"), ("embed", None)]
