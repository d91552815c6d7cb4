"""The inputs of an item: what each is called, which modality reads it, and which columns of a table hold it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mt_core.errors import OptionError, UnknownModalityError
from mt_core.plugins import find, list_modalities

Holds = Literal["files", "cells"]
"""What the columns of an input hold: names of files, or the values themselves."""

_FORM = "write NAME=MODALITY, as in photo=image,description=text,price+year=tabular"


class Input(BaseModel):
    """One input of an item.

    Attributes:
        modality: The plugin that reads it.
        columns: Those of a table that it is read from; () for one of its own name.
        holds: What they hold; None: each cell says it.
        options: Of the modality's tokenizer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    modality: str
    columns: tuple[str, ...] = ()
    holds: Holds | None = None
    options: dict[str, Any] = Field(default={})

    def columns_of(self, name: str) -> tuple[str, ...]:
        """The columns, of an input with this name."""
        return self.columns or (name,)


Inputs = Mapping[str, Input]
"""The inputs of an item by name, in order."""


def parse_inputs(given: Any) -> dict[str, Input]:
    """Inputs from text or from a mapping.

    Args:
        given: "photo=image,description=text,facts:price+year=tabular": columns, with a name and ":" before them where
            the input is to have one, and a modality. Or a mapping of names to modalities, or to the fields of `Input`.

    Raises:
        OptionError: another form, a name given twice, or a modality that is not installed.
    """
    pairs = _pairs(given) if isinstance(given, str) else list(given.items()) if isinstance(given, Mapping) else None
    if pairs is None:
        raise OptionError(f"inputs={given!r} names no inputs", fix=_FORM)
    inputs: dict[str, Input] = {}
    for name, value in ((str(name), value) for name, value in pairs):
        if name in inputs:
            raise OptionError(f"there are two inputs called {name!r}", fix="give each its own name: left:a.wav=audio")
        inputs[name] = _input(name, value)
    return inputs


def _pairs(text: str) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        named, equals, modality = part.rpartition("=")
        name, colon, listed = named.partition(":")
        columns = tuple(filter(None, (column.strip() for column in (listed if colon else named).split("+"))))
        if not equals or not modality.strip() or not columns or not name.strip():
            raise OptionError(f"inputs: {part!r} names no input", fix=_FORM)
        pairs.append(((name if colon else named).strip(), {"modality": modality.strip(), "columns": columns}))
    return pairs


def _input(name: str, value: Any) -> Input:
    fields = (
        value.model_dump() if isinstance(value, Input) else {"modality": value} if isinstance(value, str) else value
    )
    try:
        made = Input.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise OptionError(f"the input {name!r}: {where or value!r}: {first['msg']}", fix=_FORM) from None
    known = list_modalities()
    if made.modality not in known:
        try:
            find(made.modality)
        except UnknownModalityError as error:
            problem = f"the input {name!r} is to be of the modality {made.modality!r}, which is not installed"
            raise OptionError(problem, fix=error.fix) from None
        raise OptionError(f"the input {name!r} is of {made.modality!r}, which is no single modality", fix=_FORM)
    return made


def as_text(inputs: Inputs) -> str:
    """What `parse_inputs` reads, for people."""
    parts = []
    for name, each in inputs.items():
        columns = "+".join(each.columns_of(name))
        parts.append(f"{name if columns == name else f'{name}:{columns}'}={each.modality}")
    return ",".join(parts)
