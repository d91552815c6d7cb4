"""What the estimators share: the parameters of a model, and that a fitted one is saved as files and not pickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from mt_core.api import load
from mt_core.errors import RunError
from mt_core.io.atomic import atomic_write
from mt_core.model import MetaTransformer, Purpose
from mt_core.sklearn.samples import InvalidDataError, as_value_error, is_column, samples

RECORD = "estimator.json"
"""In a saved folder: the estimator's class and parameters."""


class MtEstimator(BaseEstimator):  # type: ignore[misc]
    """Parameters of a model. They are kept as they are given; `fit` makes the model.

    Attributes:
        model_: The fitted model, an `mt_core` model.
    """

    modality: str
    encoder: str | None
    options: dict[str, Any] | None
    random_state: int | None
    device: str | None
    model_: MetaTransformer

    def _load(self, purpose: Purpose) -> MetaTransformer:
        with as_value_error():
            return load(
                self.modality,
                encoder=self.encoder,
                purpose=purpose,
                seed=int(self.random_state or 0),
                device=self.device,
                **(self.options or {}),
            )

    def _samples(self, given: Any, *, reset: bool) -> list[Any]:
        """The samples, after the number of columns and their names were learned or compared."""
        found = samples(given)
        if getattr(given, "ndim", 0) == 2 and not is_column(given):
            if not given.shape[1]:
                shape = f"0 feature(s) (shape={tuple(given.shape)})"
                raise InvalidDataError(f"{shape} while a minimum of 1 is required.", fix="give columns")
            validate_data(self, given, reset=reset, skip_check_array=True)
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        if hasattr(self, "model_"):
            raise TypeError(
                f"a fitted {type(self).__name__} is not pickled: save it with .save(folder), and load it with "
                f"{type(self).__name__}.load(folder)"
            )
        state: dict[str, Any] = super().__getstate__()
        return state

    def _write_record(self, folder: Path, facts: dict[str, Any]) -> None:
        record = {"class": type(self).__name__, "params": self.get_params(deep=False), **facts}
        try:
            text = json.dumps(record, indent=2, ensure_ascii=False)
        except TypeError as error:
            raise RunError(
                f"the parameters of this {type(self).__name__} cannot be written ({error})",
                fix="give names and numbers, and an encoder by its name or file",
            ) from error
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / RECORD, RunError) as unfinished:
            unfinished.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def _read_record(cls, folder: Path) -> tuple[Self, dict[str, Any]]:
        """An estimator with the parameters of a saved one, not yet fitted, and what else was saved."""
        try:
            record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            name, params = record["class"], record["params"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{folder} holds no estimator ({error})", fix="name a folder that .save wrote") from error
        if name != cls.__name__:
            raise RunError(f"{folder} holds a {name}", fix=f"load it with {name}.load({str(folder)!r})")
        return cls(**params), record
