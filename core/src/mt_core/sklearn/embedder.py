"""Samples to vectors, as a transformer of scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from mt_core.api import embed
from mt_core.contract import Pool
from mt_core.data.batches import ensure_calibrated
from mt_core.data.pooled_vectors import vector_width
from mt_core.embedding.pooling import for_vectors
from mt_core.model import MetaTransformer
from mt_core.sklearn.estimator import MtEstimator
from mt_core.sklearn.samples import InvalidDataError, as_value_error


class Embedder(TransformerMixin, MtEstimator):  # type: ignore[misc]
    """Vectors of a frozen encoder, without training.

    `fit` loads the model, and calibrates a tokenizer that needs it (the columns of a table) on the samples.

    Args:
        modality: "image", "audio", …
        encoder: A name of the catalogue or a file; None: the default.
        layers, pool: Which blocks and which pooling vectors are made of; None: as `mt_core.embed` chooses.
        options: The tokenizer's, by name.
        batch_size: Samples encoded at a time.
        num_workers: Worker processes that read files; 0: this process.
        random_state: What the tokenizer's weights are drawn from; None: 0.
        device: None: CPU.
    """

    def __init__(
        self,
        modality: str = "tabular",
        *,
        encoder: str | None = None,
        layers: str | None = None,
        pool: Pool | None = None,
        options: dict[str, Any] | None = None,
        batch_size: int = 32,
        num_workers: int = 0,
        random_state: int | None = 0,
        device: str | None = None,
    ) -> None:
        self.modality = modality
        self.encoder = encoder
        self.layers = layers
        self.pool = pool
        self.options = options
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.random_state = random_state
        self.device = device

    def fit(self, X: Any, y: Any = None) -> Self:
        """Load the model, and calibrate it where it needs to be; `y` is not read."""
        given = self._samples(X, reset=True)
        model = self._made()
        with as_value_error(len(given)):
            self._calibration = ensure_calibrated(model, given, self.num_workers)
        self._take(model)
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """(samples, width) float32.

        Raises:
            InvalidDataError: a sample that cannot be read, or that holds several.
        """
        check_is_fitted(self, "model_")
        given = self._samples(X, reset=False)
        how: dict[str, Any] = {"batch_size": self.batch_size, "num_workers": self.num_workers}
        with as_value_error():
            vectors = embed(self.model_, given, pool=self.pool, **how)
        if len(vectors) != len(given):
            raise InvalidDataError(
                f"{len(given)} sources hold {len(vectors)} samples, and an estimator has one each",
                fix="give the samples themselves, or mt_core.embed the files",
            )
        return vectors

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """vector0, vector1, …, one a number of a vector."""
        check_is_fitted(self, "model_")
        return np.array([f"vector{index}" for index in range(self._n_features_out)], dtype=object)

    def save(self, folder: str | Path) -> None:
        """Write parameters and calibration into a folder, as JSON."""
        check_is_fitted(self, "model_")
        self._write_record(Path(folder), {"calibration": self._calibration})

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """What `save` wrote, fitted.

        Raises:
            RunError: no folder of an `Embedder`.
        """
        embedder, record = cls._read_record(Path(folder))
        model = embedder._made()
        embedder._calibration = ensure_calibrated(model, [], recorded=record["calibration"])
        embedder._take(model)
        return embedder

    def _take(self, model: MetaTransformer) -> None:
        self.model_ = model
        self._n_features_out = vector_width(*for_vectors(model, self.pool))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # float32 of any input
        return tags

    def _made(self) -> MetaTransformer:
        model = self._load("embed")
        if self.layers is not None:
            from mt_core.encoder import parse_layers

            model = model.with_encoder(model.encoder.with_layers(parse_layers(self.layers, model.encoder.depth)))
        return model
