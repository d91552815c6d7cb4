"""`mt_register_encoders`: encoders of plugins, by name."""

import pytest

import mt_core as mt
from mt_core.errors import EncoderError, PluginError
from mt_core.plugins import get

ENCODERS = """
import mt_core
@hookimpl
def mt_register_encoders():
    return {{"lab/own": {make}}}
"""


@pytest.fixture
def small(small_encoder_file) -> str:
    return ENCODERS.format(make=f"lambda: mt_core.load_encoder({str(small_encoder_file)!r})")


def test_a_registered_encoder_is_loaded_by_its_name_also_again_with_a_run(hooked, work, small):
    hooked(small)
    model = mt.load("toy", encoder="lab/own")
    assert (model.encoder.name, model.encoder.width) == ("lab/own", 64)
    work.fit(model, out=work.folder / "run")
    hooked(small)
    assert mt.load_run(work.folder / "run").encoder.fingerprint == model.encoder.fingerprint


def test_a_registered_name_is_offered_for_a_misspelt_one(hooked, small):
    hooked(small)
    with pytest.raises(EncoderError, match="did you mean lab/own"):
        mt.load("toy", encoder="lab/owm")


def test_a_run_whose_encoder_no_plugin_registers_any_more_says_so(hooked, work, small):
    hooked(small)
    work.fit(mt.load("toy", encoder="lab/own"), out=work.folder / "run")
    hooked()
    with pytest.raises(EncoderError, match="there is no encoder called 'lab/own'"):
        mt.load_run(work.folder / "run")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        ("lambda: 1 / 0", r"cannot be made \(ZeroDivisionError: division by zero\)"),
        ("lambda: torch.nn.Identity()", "is a Identity, not an Encoder"),
        ("None", r"cannot be made \(TypeError: 'NoneType' object is not callable\)"),
    ],
)
def test_what_is_no_encoder_is_told_by_its_plugins_name(hooked, make, said):
    hooked(ENCODERS.format(make=make))
    with pytest.raises(PluginError, match=rf"^toy \(mt-plugin-toy 1\.0\): its encoder lab/own {said}"):
        mt.load("toy", encoder="lab/own")


def test_an_encoder_that_cannot_be_had_keeps_its_own_fix(hooked):
    hooked(ENCODERS.format(make="lambda: mt_core.load_encoder('gone.safetensors')"))
    with pytest.raises(EncoderError, match=r"gone\.safetensors"):
        mt.load("toy", encoder="lab/own")


def test_of_two_encoders_of_one_name_the_first_is_kept(hooked, small, told):
    hooked(small, "first")
    hooked(ENCODERS.format(make="lambda: 1 / 0"))
    get("first")
    assert mt.load("toy", encoder="lab/own").encoder.width == 64
    assert "toy (mt-plugin-toy 1.0): the hook mt_register_encoders failed" in told()[0]
