"""Anomalies of hyperspectral scenes by frozen vectors, without training, and the table of docs/segmentation.md.

    MT_DATA=... python benchmarks/anomalies.py run [--only airport-2/mt-tiny] [--seeds 3] [--minutes 30]
    python benchmarks/anomalies.py table    the table between the markers of docs/segmentation.md

The score of a pixel is the RX detector's: the squared Mahalanobis distance of its vector from the mean of the scene.
`native` takes the spectrum itself. The area under the ROC curve is over all pixels of a scene, anomalies against the
others. What is on record in benchmarks/results/anomalies.jsonl, a line each, is not measured again.

Source: Reed and Yu 1990, Adaptive multiple-band CFAR detection, IEEE Trans. ASSP 38(10).
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from dense_bench import DenseBench, Measured, encoder_of
from numpy.typing import NDArray

SCENES = {"airport-2": "abu-airport-2", "airport-4": "abu-airport-4"}
ARMS = {
    "mt-tiny": "mt-tiny, frozen",
    "random": "random weights, frozen",
    "none": "no encoder",
    "native": "spectrum (global RX)",
}
RIDGE = 1e-6  # of the mean variance, added to each
TOKENIZERS = {"random": {"picture_size": 64}}
"""Options of an arm, where the default is another than for mt-tiny: 224 pixels are twelve times the work."""


def recipe_of(arm: str) -> dict[str, Any]:
    return {"ridge": RIDGE, **TOKENIZERS.get(arm, {})}


def measure(scene: str, arm: str, seed: int) -> Measured:
    """The area under the ROC curve over the pixels of a scene."""
    from scipy.io import loadmat
    from sklearn.metrics import roc_auc_score

    (path,) = (Path(os.environ["MT_DATA"]) / "hyperspectral/ABU").rglob(f"{SCENES[scene]}.mat")
    arrays = loadmat(path)
    labels_P = arrays["map"].ravel()
    vectors_PD = arrays["data"].reshape(len(labels_P), -1) if arm == "native" else embedded(path, arm, seed)
    area = float(roc_auc_score(labels_P, rx(np.asarray(vectors_PD, np.float64))))
    return Measured({"auroc": area}, (0, len(labels_P)))


def embedded(path: Path, arm: str, seed: int) -> NDArray[np.float32]:
    """(P, D) a vector a pixel, row by row."""
    import mt_core as mt

    model = mt.load("hyperspectral", encoder=encoder_of(arm, seed), seed=seed, **TOKENIZERS.get(arm, {}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mt.embed(model, [str(path)], batch_size=64)


def rx(vectors_PD: NDArray[np.float64]) -> NDArray[np.float64]:
    """(P,) squared Mahalanobis distances from the mean."""
    centred_PD = vectors_PD - vectors_PD.mean(0)
    covariance_DD = centred_PD.T @ centred_PD / len(centred_PD)
    covariance_DD += RIDGE * np.trace(covariance_DD) / len(covariance_DD) * np.eye(len(covariance_DD))
    return np.asarray((centred_PD * np.linalg.solve(covariance_DD, centred_PD.T).T).sum(1))


BENCH = DenseBench(
    "anomalies",
    {scene: scene for scene in SCENES},
    ARMS,
    {"auroc": "AUC"},
    recipe_of,
    measure,
    without_seed=("mt-tiny", "native"),
    page="segmentation",
)

if __name__ == "__main__":
    BENCH.main(__doc__)
