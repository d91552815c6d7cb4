"""Options that are several names."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator


def names_given(names: Any) -> Any:
    """Names as a tuple of texts: from a command line they come with commas between them, or as numbers."""
    if isinstance(names, str):
        names = names.split(",")
    if isinstance(names, int | float):
        names = [names]
    return tuple(str(name) for name in names if str(name)) if isinstance(names, list | tuple) else names


Names = Annotated[tuple[str, ...], BeforeValidator(names_given)]
"""The type of an option that is several names: columns, attributes, channels."""
