"""Each field of a manifest is described, and refuses what it does not take by its name and its description."""

from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from mt_core.errors import ContractError
from mt_core.plugins.discovery import PluginMetadata
from mt_core.plugins.manifest import Deviation, Manifest, Unused, Views, manifest_of

WHOLE = {
    "contract": "1.0",
    "name": "waves",
    "summary": "Waves on a string",
    "tokenizer": "fake_waves:WaveTokenizer",
    "dataset": "fake_waves:WaveDataset",
    "head": "mt_core.heads:ClassificationHead",
}
WRONG = {
    "contract": 1.0,
    "name": "Waves",
    "summary": "",
    "tokenizer": "WaveTokenizer",
    "dataset": "fake_waves",
    "head": ["mt_core.heads:ClassificationHead"],
    "suffixes": ["wave"],
    "capabilities": ["fast"],
    "cells": "column",
    "composes": "photo",
    "hooks": "fake_waves:Hooks",
    "pictures": "fake_waves",
    "views": {"embed": "drawing"},
    "baseline": "fake_waves",
    "recipe": "fast",
    "deviations": ["padding"],
    "unused": ["origin"],
}
"""For each field something that it does not take."""

RIGHT = {
    "suffixes": [".wave"],
    "capabilities": ["variable_length"],
    "cells": "row",
    "composes": True,
    "hooks": "fake_waves.hooks",
    "pictures": "fake_waves:write",
    "views": {"embed": "picture", "train": "tokens", "untrained": None},
    "baseline": "fake_waves.baseline:WaveBaseline",
    "recipe": {"epochs": 3},
    "deviations": [{"check": "padding_changes_nothing", "reason": "waves have no padding"}],
    "unused": [{"part": "origin", "reason": "a wave is the same everywhere"}],
}
"""For each field that may be left out something that it takes."""


def read(**changes):
    return manifest_of(PluginMetadata("waves", "fake-waves", "1.0", Path("plugin.toml"), {**WHOLE, **changes}))


def undescribed(*models: type[BaseModel]) -> list[str]:
    """The fields without a sentence on what they mean."""
    fields = [(name, field) for model in models for name, field in model.model_fields.items()]
    return [name for name, field in fields if not (field.description or "").rstrip().endswith(".")]


def test_every_field_is_described_in_a_sentence():
    assert undescribed(Manifest, Deviation, Unused, Views) == []


def test_a_field_without_a_description_is_caught():
    class Swell(BaseModel):
        height: float
        length: float = Field(description="")
        period: float = Field(description="Seconds from crest to crest.")

    assert undescribed(Swell) == ["height", "length"]


@pytest.mark.parametrize("field", Manifest.model_fields)
def test_what_a_field_does_not_take_is_refused_with_its_name_and_meaning(field):
    with pytest.raises(ContractError) as caught:
        read(**{field: WRONG[field]})
    assert caught.value.problem.startswith(f"fake-waves 1.0: {field}")
    assert Manifest.model_fields[field].description in caught.value.fix


@pytest.mark.parametrize("field", [name for name, field in Manifest.model_fields.items() if not field.is_required()])
def test_what_a_field_takes_is_read_and_without_it_nothing_is(field):
    given = read(**{field: RIGHT[field]}).model_dump(mode="json")[field]
    assert given == RIGHT[field]
    assert not getattr(read(), field)


@pytest.mark.parametrize("field", Deviation.model_fields)
def test_a_deviation_lacks_nothing(field):
    whole = RIGHT["deviations"][0]
    with pytest.raises(ContractError, match=rf"deviations\.0\.{field}"):
        read(deviations=[{**whole, field: ""}])


@pytest.mark.parametrize("field", Unused.model_fields)
def test_a_part_that_is_not_used_lacks_nothing(field):
    whole = RIGHT["unused"][0]
    with pytest.raises(ContractError, match=rf"unused\.0\.{field}"):
        read(unused=[{**whole, field: ""}])
