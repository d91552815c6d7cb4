"""The types of options in words, for errors, `mt info` and the reference."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_BOUNDS = {"gt": "above", "ge": "from", "lt": "below", "le": "to"}


class DescribedOption(NamedTuple):
    """One option as a user reads of it."""

    name: str
    takes: str
    default: str
    meaning: str


def describe_options(options: type[BaseModel], defaults: Mapping[str, Any] | None = None) -> list[DescribedOption]:
    """Name, type, default and meaning of each option, in order.

    Args:
        defaults: In place of the fields' own, by name.
    """
    own = {name: field.get_default(call_default_factory=True) for name, field in options.model_fields.items()}
    chosen = {**own, **(defaults or {})}
    return [
        DescribedOption(name, takes(field), as_text(chosen[name]), field.description or "")
        for name, field in options.model_fields.items()
    ]


def takes(field: FieldInfo) -> str:
    """The type of a field and its bounds: "int, from 1 to 64", "crop | squash"."""
    bounds = [
        f"{word} {getattr(bound, sign)}"
        for bound in field.metadata
        for sign, word in _BOUNDS.items()
        if getattr(bound, sign, None) is not None
    ]
    return ", ".join(filter(None, (_in_words(alternatives(field)), " ".join(bounds))))


def as_text(value: Any) -> str:
    """A value as a command line takes it."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "''"
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value) if str(value) else "''"


def alternatives(of: FieldInfo | Any) -> list[Any]:
    """The types that a field or an annotation takes, one or several, without what pydantic adds to them."""
    annotation = of.annotation if isinstance(of, FieldInfo) else of
    if get_origin(annotation) is Annotated:
        return alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [each for part in get_args(annotation) for each in alternatives(part)]
    return [annotation]


def _in_words(types: Iterable[Any]) -> str:
    names = []
    for each in types:
        if get_origin(each) is Literal:
            names += [str(choice) for choice in get_args(each)]
        elif get_origin(each) is tuple:
            names.append(f"several of {_in_words(alternatives(get_args(each)[0]))}")
        else:
            names.append("none" if each is type(None) else (get_origin(each) or each).__name__)
    return " | ".join(names)
