"""What a user chooses of a fused tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from mt_core.contract import Options
from mt_fusion.items.inputs import Input, parse_inputs


class FusedOptions(Options):
    """Which inputs an item has, and how their tokens come together.

    An option of one input's tokenizer is written with its name before a point: photo.size=96.
    """

    inputs: dict[str, Input] = Field(
        default={},
        description="The inputs: photo=image,description=text,facts:price+year=tabular. Without them they are found in "
        "the table.",
    )
    fusion: Literal["sequence", "late"] = Field(
        default="sequence",
        description="sequence: all tokens of an item attend to one another. late: each input by itself; a head with "
        "views=attention then attends over the inputs.",
    )
    input_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="Share of inputs that are left out in training, never all of an item."
    )

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        given = {name: value for name, value in values.items() if "." not in name}
        if "inputs" in given:
            given["inputs"] = parse_inputs(given["inputs"])
        of_inputs: dict[str, dict[str, Any]] = {}
        for name, value in values.items():
            known = next((each for each in given.get("inputs", {}) if name.startswith(f"{each}.")), None)
            if known is not None:
                of_inputs.setdefault(known, {})[name[len(known) + 1 :]] = value
            elif "." in name:
                given[name] = value  # which is refused, with the options that there are
        for name, options in of_inputs.items():
            each = given["inputs"][name]
            given["inputs"][name] = each.model_copy(update={"options": {**each.options, **options}})
        return given
