"""One sample, read and prepared; whatever goes wrong is an error of ours that names its source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from mt_core.contract import Example, Tokenizer, name_of
from mt_core.errors import DataWarning, InputError, MtError


def prepare(tokenizer: Tokenizer, source: Any, generator: torch.Generator | None = None) -> dict[str, Tensor]:
    """The tensors of one sample.

    Args:
        source: Whatever `Tokenizer.read` takes.
        generator: Of the augmentation; None: deterministic. See `Tokenizer.prepare`.

    Raises:
        MtError: names the source, whatever the plugin raised.
    """
    with _named(source, tokenizer):
        return tokenizer.prepare(tokenizer.read(source), generator)


def prepare_example(
    tokenizer: Tokenizer, example: Example, generator: torch.Generator | None = None
) -> tuple[dict[str, Tensor], Any]:
    """The tensors of one labelled sample, and its target; see `Tokenizer.prepare_example`.

    Raises:
        MtError: names the source, whatever the plugin raised.
    """
    with _named(example.sample, tokenizer):
        return tokenizer.prepare_example(tokenizer.read(example.sample), example.target, generator)


def read_sample(tokenizer: Tokenizer, source: Any) -> Any:
    """One sample as `Tokenizer.read` gives it.

    Raises:
        MtError: names the source, whatever the plugin raised.
    """
    with _named(source, tokenizer):
        return tokenizer.read(source)


@contextmanager
def _named(source: Any, tokenizer: Tokenizer) -> Iterator[None]:
    try:
        yield
    except MtError as error:
        named = with_source(error, source)
        if named is error:
            raise
        raise named from error
    except Exception as error:
        raise as_input_error(error, source, tokenizer) from error


def with_source(error: MtError, source: Any) -> MtError:
    """The same error, its message beginning with the source where it does not name it yet."""
    name = name_of(source)
    named = error if name in error.problem else type(error)(f"{name}: {error.problem}", error.fix)
    named.source = name
    return named


def as_input_error(error: Exception, source: Any, tokenizer: Tokenizer) -> MtError:
    """The error for an exception that a plugin let through: it names the file and the plugin."""
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):  # the latter is torch's
        refused = InputError(
            f"{name_of(source)} needs more memory than a worker process may take",
            fix="split it into smaller files; --num-workers 0 reads without that limit",
        )
    else:
        refused = InputError(
            f"{name_of(source)}: {type(tokenizer).__name__} failed with {type(error).__name__}: {error}",
            fix=f"check the file; if it is valid, report this to the maintainers of {type(tokenizer).__module__}",
        )
    return with_source(refused, source)


def skipped(error: MtError) -> DataWarning:
    """The notice of a sample that could not be read, where those are to be skipped."""
    return DataWarning("skipped", error.source, error.problem.removeprefix(error.source).removeprefix(":").strip())
