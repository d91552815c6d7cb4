"""The native baseline of a modality: a plain model of scikit-learn on the classical features that its plugin declares.

n samples, F features, T targets a sample.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mt_core.contract import AnyTask, Baseline, Classification, Forecasting, Head, ModalityDataset, Multilabel
from mt_core.data.loader import Loader, check_failures
from mt_core.errors import InputError, MissingDependencyError, MtError, OptionError
from mt_core.heads import ClassificationHead, ForecastingHead, MultilabelHead, RegressionHead
from mt_core.heads.neighbours import NeighbourHead
from mt_core.io.notices import Notices, collecting
from mt_core.io.progress import progress
from mt_core.training.estimators import make_estimator

_SPARSE = 0.1
"""Features of which a smaller share is not zero are kept sparse."""

_LEAST = 1e-7  # probability: its logarithm is finite

_HEADS: tuple[type[Head], ...] = (ClassificationHead, MultilabelHead, RegressionHead, ForecastingHead)


@dataclass(frozen=True)
class FeatureTable:
    """The classical features of a dataset.

    Attributes:
        features: (n, F) float32, a NumPy array or a sparse matrix of SciPy.
        target: The stacked targets of the samples that could be read.
    """

    features: Any
    target: Tensor

    def __len__(self) -> int:
        return len(self.target)


def check_installed() -> None:
    """Refuse where scikit-learn is missing.

    Raises:
        MissingDependencyError: names the extra that brings it.
    """
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise MissingDependencyError(
            "native baselines need scikit-learn, which is not installed", fix='pip install "mt-core[baselines]"'
        ) from None


def check_head(head: Head) -> None:
    """Refuse a task that no native baseline is for.

    Raises:
        OptionError: segmentation, retrieval, or a head whose scores only its plugin knows.
    """
    if not isinstance(_measuring(head), _HEADS):
        raise OptionError(
            f"there is no native baseline for {head.task.kind} with {type(head).__name__}",
            fix="it is for classification, multilabel, regression and forecasting with the core's own heads",
        )


def read_features(
    baseline: Baseline,
    dataset: ModalityDataset,
    *,
    skip_unreadable: bool,
    show_progress: bool = False,
    **reading: Any,
) -> FeatureTable:
    """The features of all samples that can be read, in order.

    Args:
        reading: How the `Loader` reads.

    Raises:
        InputError: no sample can be read, or vectors of different widths or of values that are not finite.
    """
    parts: list[dict[str, Tensor]] = []
    targets: list[Tensor] = []
    failed: list[MtError] = []
    reader: Any = _FeatureReader(baseline)
    with collecting(Notices()), Loader(dataset, reader, **reading) as batches:
        for batch in progress(batches, "classical features", total=len(batches), enabled=show_progress):
            readable = check_failures(batch, skip=skip_unreadable)
            failed += readable["failed"]
            if readable["inputs"]:
                parts.append(readable["inputs"])
                targets.append(readable["target"])
    if not parts:
        raise InputError(f"{dataset.source}: none of its samples can be read", fix=failed[0].fix if failed else "")
    return FeatureTable(_joined(parts), torch.cat(targets))


def vector_of(baseline: Baseline, sample: Any) -> NDArray[np.float32]:
    """(F,) the features of one sample, checked.

    Raises:
        InputError: not one axis of finite numbers, or what the plugin raises.
    """
    try:
        vector = np.asarray(baseline.features(sample))
    except MtError:
        raise
    except Exception as error:
        raise InputError(
            f"{type(baseline).__name__}.features failed with {type(error).__name__}: {error}",
            fix=f"report it to the maintainers of {type(baseline).__module__}",
        ) from error
    if vector.ndim != 1 or not vector.size or vector.dtype.kind not in "fiub":
        raise InputError(
            f"{type(baseline).__name__}.features gives {vector.dtype} values of shape {vector.shape}",
            fix="give one axis of numbers",
        )
    with np.errstate(over="ignore", invalid="ignore"):
        single = vector.astype(np.float32, copy=False)
        is_finite = np.isfinite(single.sum()) or np.isfinite(single).all()
    if not is_finite:
        raise InputError(
            f"{type(baseline).__name__}.features gives values that are not finite", fix="replace NaN and infinity"
        )
    return single


def fit_predict(baseline: Baseline, head: Head, train: FeatureTable, features: Any, seed: int) -> Tensor:
    """What the head would have to put out to predict what a model of scikit-learn predicts, so that the head's own
    metrics measure it.

    Args:
        head: Calibrated on the training targets.
        features: (m, F) of the samples to predict.

    Returns:
        (m, O) scores as the head's `metric_inputs` takes them.

    Raises:
        MissingDependencyError: scikit-learn is not installed.
        OptionError: a task or a head that no baseline is for, or no training sample with a known target.
        InputError: scikit-learn cannot fit it.
    """
    check_installed()
    check_head(head)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an optimiser that stopped at its last step, of constant features
        try:
            predicted = _fit_predict(baseline, head.task, train, features, seed)
        except MtError:
            raise
        except Exception as error:  # of scikit-learn, or of the plugin's estimator
            said = str(error).partition("\n")[0]
            raise InputError(
                f"the native baseline ({baseline.description}) cannot be fitted to {len(train)} samples "
                f"({type(error).__name__}: {said})",
                fix="give more training samples, or measure without controls",
            ) from error
    return _as_output(head, torch.from_numpy(np.ascontiguousarray(predicted)))


def _fit_predict(
    baseline: Baseline, task: AnyTask, train: FeatureTable, features: Any, seed: int
) -> NDArray[np.float64]:
    def estimator() -> Any:
        own = baseline.estimator(task, seed)
        return own if own is not None else make_estimator(baseline.model, task, seed)

    target = train.target.numpy()
    if isinstance(task, Classification):
        known = _some_known(target >= 0)
        return _probabilities(estimator(), train.features[known], target[known], features, len(task.classes))
    if isinstance(task, Forecasting):
        rows = target.reshape(len(target), -1).astype(np.float64)
        known = _some_known(np.isfinite(rows).all(1))
        forecast = estimator().fit(train.features[known], rows[known]).predict(features)
        return np.asarray(forecast, np.float64).reshape(len(forecast), *target.shape[1:])
    columns = []
    for column in target.T.astype(np.float64):
        known = _some_known(np.isfinite(column))
        if isinstance(task, Multilabel):
            of_label = (estimator(), train.features[known], column[known].astype(np.int64), features, 2)
            columns.append(_probabilities(*of_label)[:, 1])
        else:
            columns.append(np.asarray(estimator().fit(train.features[known], column[known]).predict(features)))
    return np.stack(columns, axis=1)


def _probabilities(
    estimator: Any, features: Any, classes: NDArray[np.int64], others: Any, count: int
) -> NDArray[np.float64]:
    """(m, count) of each class; 0 for one that does not occur."""
    probabilities = np.zeros((others.shape[0], count))
    present = np.unique(classes)
    if len(present) == 1:
        probabilities[:, present[0]] = 1.0
        return probabilities
    fitted = estimator.fit(features, classes)
    probabilities[:, fitted.classes_] = fitted.predict_proba(others)
    return probabilities


def _measuring(head: Head) -> Head:
    """The head that decodes and measures: of nearest neighbours the one within."""
    return head.inner if isinstance(head, NeighbourHead) else head


def _as_output(head: Head, predicted: Tensor) -> Tensor:
    """Predictions on the head's own scale."""
    head = _measuring(head)
    if isinstance(head, ClassificationHead):
        return predicted.clamp(min=_LEAST).log()
    if isinstance(head, MultilabelHead):
        return torch.logit(predicted, eps=_LEAST).float()
    if isinstance(head, RegressionHead):
        return ((predicted - head.mean_T.cpu()) / head.scale_T.cpu()).float()
    return predicted.float()


def _some_known(known: Any) -> NDArray[np.int64]:
    indices = np.flatnonzero(known)
    if not len(indices):
        raise OptionError("no training sample has a known target", fix="give labelled training data")
    return indices


@dataclass(frozen=True)
class _FeatureReader:
    """What a `Loader` takes for a tokenizer: it prepares features, not tokens."""

    baseline: Baseline

    def read(self, source: Any) -> Any:
        return self.baseline.tokenizer.read(source)

    def prepare(self, sample: Any, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """`width`, and `places` and `values` of what is not zero."""
        vector = vector_of(self.baseline, sample)
        places = np.flatnonzero(vector)
        values = torch.from_numpy(vector[places])
        return {"width": torch.tensor(len(vector)), "places": torch.from_numpy(places), "values": values}

    def prepare_example(
        self, sample: Any, target: Any, generator: torch.Generator | None = None
    ) -> tuple[dict[str, Tensor], Any]:
        """The same, and the target as it is."""
        return self.prepare(sample, generator), target

    def collate(self, items: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """The same of a batch; `places` and `values` one sample after the other, and `counts`, how many each has."""
        counts = torch.tensor([len(item["places"]) for item in items])
        places, values = (torch.cat([item[name] for item in items]) for name in ("places", "values"))
        return {
            "width": torch.stack([item["width"] for item in items]),
            "counts": counts,
            "places": places,
            "values": values,
        }


def _joined(parts: Sequence[Mapping[str, Tensor]]) -> Any:
    """(n, F) of the features of batches, sparse where few are not zero.

    Raises:
        InputError: vectors of different widths.
    """
    from scipy import sparse

    of_all = {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}
    if len(widths := np.unique(of_all["width"])) > 1:
        raise InputError(
            f"features are {' and '.join(map(str, widths))} numbers wide",
            fix="let the baseline give as many for every sample",
        )
    shape = (len(of_all["width"]), int(widths[0]))
    starts = np.concatenate([[0], of_all["counts"].cumsum()])
    table = sparse.csr_matrix((of_all["values"], of_all["places"], starts), shape=shape)
    return table if table.nnz < _SPARSE * shape[0] * shape[1] else table.toarray()
