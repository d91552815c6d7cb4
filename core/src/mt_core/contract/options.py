"""What a user may choose of a tokenizer, a dataset, a head or a training: one kind of record for all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from mt_core.contract.option_types import alternatives, as_text, takes
from mt_core.errors import OptionError, did_you_mean


class Options(BaseModel):
    """Named values, each a field with a type, a default and a description. They never change.

        class SeriesOptions(Options):
            patch: int = Field(default=16, gt=0, description="Samples in a patch.")
            columns: tuple[str, ...] = Field(default=(), description="Columns to read; none: all.")

    Text is read as what the field takes ("16", "true", "none"), because a command line gives nothing else. A field of
    several values takes one alone, or text with commas between them.

    Raises:
        OptionError: an unknown option, with the nearest one, or a value that it does not take, with those it takes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    noun: ClassVar[str] = "option"
    """What an error calls one of these."""

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _refusal(type(self), error, values) from None

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """The defaults with these values in their places.

        Raises:
            OptionError: an unknown option, with the nearest one, or a value that it does not take, with those it takes.
        """
        return cls(**values)

    @field_validator("*", mode="before")
    @classmethod
    def _as_the_field_takes(cls, value: Any, info: ValidationInfo) -> Any:
        accepted = {get_origin(each) or each: each for each in alternatives(cls.model_fields[str(info.field_name)])}
        if isinstance(value, str) and type(None) in accepted and value.strip().lower() in ("none", "null"):
            return None
        if tuple in accepted and value is not None:
            return _several(value, get_args(accepted[tuple])[0])
        if str in accepted and isinstance(value, int | float):
            return str(value)
        if dict in accepted and isinstance(value, str):
            return json_or_text(value)
        return value


def _several(value: Any, kind: Any) -> Any:
    """A tuple of one value, of text with commas, or of what is one already."""
    if isinstance(value, str):
        listed = json_or_text(value) if value.lstrip().startswith("[") else value
        value = listed if isinstance(listed, list) else list(filter(None, (part.strip() for part in value.split(","))))
    if isinstance(value, int | float):
        value = [value]
    if kind is str and isinstance(value, list | tuple):
        return tuple(str(each) for each in value)
    return value


def json_or_text(text: str) -> Any:
    """What the text says as JSON; the text itself where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _refusal(options: type[Options], error: ValidationError, values: Mapping[str, Any]) -> OptionError:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        fields = options.model_fields.items()
        known = ", ".join(f"{field}={as_text(info.get_default(call_default_factory=True))}" for field, info in fields)
        return OptionError(
            f"there is no {options.noun} {name!r}{did_you_mean(name, options.model_fields)}",
            fix=f"the {options.noun}s and their defaults are {known}"
            if known
            else f"there is no {options.noun} at all",
        )
    said = first["msg"].removeprefix("Value error, ")
    if not name:
        return OptionError(said, fix=f"change one of these {options.noun}s")
    field = options.model_fields[name]
    told = f" {said.removeprefix('Input ')}" if said.startswith("Input ") else f": {said}"
    return OptionError(
        f"{options.noun} {name}={as_text(values.get(name, field.get_default(call_default_factory=True)))}{told}",
        fix=f"{name} takes {takes(field)}. {field.description or ''}".rstrip(),
    )
