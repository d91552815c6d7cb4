"""Classes and numbers learned from samples, as estimators of scikit-learn.  N samples, K classes, T targets."""

from __future__ import annotations

import shutil
import weakref
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from mt_core.api import fit, load_run, predict
from mt_core.contract import AnyTask, Classification, Regression
from mt_core.data.in_memory import InMemoryDataset
from mt_core.errors import RunError
from mt_core.sklearn.estimator import MtEstimator
from mt_core.sklearn.samples import InvalidDataError, as_value_error


class _Predictor(MtEstimator):
    """Training of tokenizer and head around the frozen encoder, as `mt_core.fit` does it.

    Args:
        modality: "image", "audio", …
        encoder: A name of the catalogue or a file; None: the default.
        tune: What is trained: frozen, probe, knn, lora or full; None: the modality's default.
        epochs, lr, batch_size: None: the modality's defaults.
        settings: Further fields of `Recipe`, by name.
        options: The tokenizer's, by name.
        num_workers: Worker processes that read files; 0: this process.
        random_state: Seed of weights, order and the part that selects the epoch; None: 0.
        device: None: CPU.
    """

    def __init__(
        self,
        modality: str = "tabular",
        *,
        encoder: str | None = None,
        tune: str | None = None,
        epochs: int | None = None,
        lr: float | None = None,
        batch_size: int | None = None,
        settings: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
        num_workers: int = 0,
        random_state: int | None = 0,
        device: str | None = None,
    ) -> None:
        self.modality = modality
        self.encoder = encoder
        self.tune = tune
        self.epochs = epochs
        self.lr = lr
        self.batch_size = batch_size
        self.settings = settings
        self.options = options
        self.num_workers = num_workers
        self.random_state = random_state
        self.device = device

    def _fit(self, samples: list[Any], targets: list[Any], task: AnyTask) -> None:
        """Train a new model, whose run folder lives as long as it does."""
        named = {"tune": self.tune, "epochs": self.epochs, "lr": self.lr, "batch_size": self.batch_size}
        chosen = {name: value for name, value in named.items() if value is not None}
        how = {**chosen, "num_workers": self.num_workers, "seed": int(self.random_state or 0), **(self.settings or {})}
        model = self._load("train")
        run = self._new_run()
        with as_value_error(len(samples)):
            fit(model, InMemoryDataset(samples, targets, task), out=run, **how)
        self._run, self.model_ = run, model

    def _new_run(self) -> Path:
        """A folder for a run, gone with the estimator."""
        folder = mkdtemp(prefix="mt-sklearn-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder, "run")

    def _predict(self, X: Any) -> list[dict[str, Any]]:
        check_is_fitted(self, "model_")
        given = self._samples(X, reset=False)
        with as_value_error():
            found = predict(self.model_, given, batch_size=self.batch_size or 32, num_workers=self.num_workers)
        if len(found) != len(given):
            raise InvalidDataError(
                f"{len(given)} sources hold {len(found)} samples, and an estimator has one each",
                fix="give the samples themselves, or mt_core.predict the files",
            )
        return found

    def _facts(self) -> dict[str, Any]:
        """What `save` writes beside the run and the parameters."""
        return {}

    def _take(self, facts: dict[str, Any]) -> None:
        """The reverse of `_facts`."""

    def save(self, folder: str | Path) -> None:
        """Write the run (`mt_core.load_run` loads it, `mt export` and `mt predict` take it) and the parameters.

        Raises:
            RunError: something is there already, or it cannot be written.
        """
        check_is_fitted(self, "model_")
        path = Path(folder)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunError(f"{path} is there already", fix="choose another folder")
        try:
            shutil.copytree(self._run, path, dirs_exist_ok=True)
        except OSError as error:
            raise RunError(
                f"{path} cannot be written ({error})", fix="check the disk's room and your rights"
            ) from error
        self._write_record(path, self._facts())

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """What `save` wrote, fitted. Nothing is unpickled.

        Raises:
            RunError: no folder of such an estimator, or a run that cannot be loaded.
        """
        estimator, record = cls._read_record(Path(folder))
        estimator.model_ = load_run(folder, encoder=estimator.encoder, device=estimator.device)
        estimator._run = estimator._new_run()
        shutil.copytree(folder, estimator._run)
        estimator._take(record)
        return estimator


class Classifier(ClassifierMixin, _Predictor):  # type: ignore[misc]
    __doc__ = f"One of several classes.\n\n{_Predictor.__doc__}"

    def fit(self, X: Any, y: Any) -> Self:
        """Train on samples and their classes, which may be of any type that can be sorted."""
        samples = self._samples(X, reset=True)
        labels = _given(y, self)
        labels = column_or_1d(labels, warn=True)
        if labels.dtype.kind == "f":
            assert_all_finite(labels, input_name="y")
        check_consistent_length(samples, labels)
        check_classification_targets(labels)
        self.classes_, indices = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise InvalidDataError("there is one class alone", fix="give samples of two classes or more")
        task = Classification(classes=tuple(f"{index}: {name}" for index, name in enumerate(self.classes_.tolist())))
        self._fit(samples, indices.tolist(), task)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """(N, K) probabilities, in the order of `classes_`."""
        return np.array([list(found["probabilities"].values()) for found in self._predict(X)], dtype=np.float64)

    def predict(self, X: Any) -> NDArray[Any]:
        """(N,) the likeliest class of each sample."""
        probabilities_NK = self.predict_proba(X)
        likeliest: NDArray[Any] = self.classes_[probabilities_NK.argmax(1)]
        return likeliest

    def _facts(self) -> dict[str, Any]:
        return {"classes": self.classes_.tolist(), "dtype": str(self.classes_.dtype)}

    def _take(self, facts: dict[str, Any]) -> None:
        self.classes_ = np.array(facts["classes"], dtype=facts["dtype"])


class Regressor(RegressorMixin, _Predictor):  # type: ignore[misc]
    __doc__ = f"One or several numbers.\n\n{_Predictor.__doc__}"

    def fit(self, X: Any, y: Any) -> Self:
        """Train on samples and their numbers, (N,) or (N, T)."""
        samples = self._samples(X, reset=True)
        numbers = check_array(_given(y, self), ensure_2d=False, dtype=np.float64, input_name="y")
        check_consistent_length(samples, numbers)
        self._is_single = numbers.ndim == 1
        columns_NT = numbers.reshape(len(numbers), -1)
        names = tuple(str(index) for index in range(columns_NT.shape[1]))
        self._fit(samples, columns_NT.tolist(), Regression(names=names))
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """(N,) or (N, T), as the targets were."""
        found = [each["prediction"] for each in self._predict(X)]
        rows = [list(each.values()) if isinstance(each, dict) else [each] for each in found]
        predicted = np.array(rows, dtype=np.float64)
        return predicted[:, 0] if self._is_single else predicted

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _facts(self) -> dict[str, Any]:
        return {"is_single": self._is_single}

    def _take(self, facts: dict[str, Any]) -> None:
        self._is_single = facts["is_single"]


def _given(y: Any, estimator: MtEstimator) -> Any:
    if y is None:
        raise InvalidDataError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None",
            fix="give the targets as the second argument",
        )
    return y
