import pytest

from mt_core.errors import OptionError
from mt_fusion.items.inputs import as_text, parse_inputs


def test_columns_and_modality_are_read_from_text():
    found = parse_inputs("photo=image, facts:price+year=tabular,a+b=tabular")
    assert {name: (each.modality, each.columns) for name, each in found.items()} == {
        "photo": ("image", ("photo",)),
        "facts": ("tabular", ("price", "year")),
        "a+b": ("tabular", ("a", "b")),
    }


def test_what_is_written_is_read_again():
    text = "photo=image,facts:price+year=tabular"
    assert as_text(parse_inputs(text)) == text


def test_a_mapping_names_modalities_or_all_fields():
    found = parse_inputs({"left": "audio", "right": {"modality": "audio", "options": {"mels": 64}}})
    assert found["left"].columns_of("left") == ("left",)
    assert found["right"].options == {"mels": 64}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("photo", "'photo' names no input"),
        ("photo=", "names no input"),
        ("=image", "names no input"),
        ("a=image,a=text", "two inputs called 'a'"),
        ("a=imag", "'imag', which is not installed"),
        ("a=fused", "no single modality"),
        ({"a": {"modality": "image", "colour": 1}}, "colour"),
        (3, "names no inputs"),
    ],
)
def test_what_names_no_inputs_is_refused(given, says):
    with pytest.raises(OptionError, match=says):
        parse_inputs(given)
