"""Options: one place that reads what a user gave, and says what it does not take."""

import json
import pickle
from typing import Literal

import pytest
from pydantic import Field, model_validator

from mt_core.contract import Options
from mt_core.contract.option_types import describe_options
from mt_core.errors import OptionError


class Shown(Options):
    patch: int = Field(default=16, ge=1, le=64, description="Samples in a patch.")
    drop: float = Field(default=0.0, ge=0, lt=1, description="Share that is hidden.")
    columns: tuple[str, ...] = Field(default=(), description="Columns to read.")
    bands: tuple[float, ...] = Field(default=(), description="Nanometres.")
    channels: tuple[Literal["intensity", "colour"], ...] = Field(default=(), description="What a point carries.")
    level: Literal["auto", "on"] = Field(default="auto", description="How.")
    target: str | None = Field(default=None, description="A column.")
    flip: bool = Field(default=True, description="Mirror.")
    head: dict[str, int] = Field(default_factory=dict, description="More.")

    @model_validator(mode="after")
    def _fits(self):
        if self.patch > 32 and self.drop:
            raise ValueError(f"patch={self.patch} leaves nothing to drop")
        return self


@pytest.mark.parametrize(
    ("name", "given", "taken"),
    [
        ("patch", "8", 8),
        ("drop", "0.5", 0.5),
        ("flip", "false", False),
        ("level", "on", "on"),
        ("target", "12", "12"),
        ("target", 12, "12"),
        ("target", "none", None),
        ("columns", "a", ("a",)),
        ("columns", "a, b,", ("a", "b")),
        ("columns", 7, ("7",)),
        ("columns", ["a", 3], ("a", "3")),
        ("columns", '["a,b", "c"]', ("a,b", "c")),
        ("columns", "", ()),
        ("bands", "400,2500", (400.0, 2500.0)),
        ("bands", 400, (400.0,)),
        ("channels", "intensity", ("intensity",)),
        ("channels", "intensity,colour", ("intensity", "colour")),
        ("head", '{"hidden": 3}', {"hidden": 3}),
    ],
)
def test_a_value_is_read_as_what_the_field_takes(name, given, taken):
    assert getattr(Shown.parse({name: given}), name) == taken


def test_a_misspelt_option_gets_the_nearest_and_all_that_there_are():
    with pytest.raises(OptionError) as refused:
        Shown.parse({"pach": 8})
    assert refused.value.problem == "there is no option 'pach'; did you mean patch?"
    assert "patch=16" in refused.value.fix and "target=none" in refused.value.fix


def test_an_option_that_is_like_none_gets_no_guess():
    with pytest.raises(OptionError, match=r"^there is no option 'zzz'\n"):
        Shown.parse({"zzz": 8})


@pytest.mark.parametrize(
    ("given", "problem", "fix"),
    [
        ({"patch": 0}, "option patch=0 should be greater than or equal to 1", "patch takes int, from 1 to 64."),
        ({"patch": "many"}, "option patch=many should be a valid integer", "patch takes int, from 1 to 64."),
        ({"level": "off"}, "option level=off should be 'auto' or 'on'", "level takes auto | on."),
        ({"channels": "intensity,heat"}, "option channels=intensity,heat", "several of intensity | colour"),
        ({"patch": 40, "drop": 0.1}, "patch=40 leaves nothing to drop", "change one"),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_those_that_do(given, problem, fix):
    with pytest.raises(OptionError) as refused:
        Shown.parse(given)
    assert refused.value.problem.startswith(problem) and fix in refused.value.fix


def test_options_made_in_python_are_refused_in_the_same_words():
    with pytest.raises(OptionError, match="option patch=0 should be"):
        Shown(patch=0)
    with pytest.raises(OptionError, match="option patch=0 should be"):
        Shown.model_validate({"patch": 0})


def test_options_survive_json_and_pickling_and_never_change():
    made = Shown(columns=("a",), target="x", patch=3)
    assert Shown.parse(json.loads(made.model_dump_json())) == made == pickle.loads(pickle.dumps(made))
    with pytest.raises(Exception, match="frozen"):
        made.patch = 5


def test_options_are_described_by_name_type_default_and_meaning():
    rows = {row.name: row for row in describe_options(Shown, {"patch": 8})}
    assert tuple(rows["patch"]) == ("patch", "int, from 1 to 64", "8", "Samples in a patch.")
    assert rows["drop"].takes == "float, from 0 below 1"
    assert (rows["level"].takes, rows["target"].takes) == ("auto | on", "str | none")
    assert (rows["columns"].takes, rows["columns"].default) == ("several of str", "''")
