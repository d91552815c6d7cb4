"""What plain models of each field reach on the same splits, with scikit-learn and no encoder.

MT_DATA=... python benchmarks/native_baselines.py [adult california lidarnet cifar10]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from machine import machine
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.metrics import accuracy_score, root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from sklearn.svm import SVC

SEED = 0


def adult(data: Path) -> str:
    """Boosted trees on the 14 columns, categories as categories."""
    names = [str(i) for i in range(15)]
    options = {"names": names, "skipinitialspace": True, "na_values": "?"}
    train = pd.read_csv(data / "tabular/adult/adult.data", **options)
    test = pd.read_csv(data / "tabular/adult/adult.test", skiprows=1, **options)
    categories = [name for name in names[:-1] if not pd.api.types.is_numeric_dtype(train[name])]
    encode = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), categories),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    trees = HistGradientBoostingClassifier(categorical_features=categories, random_state=SEED)
    model = make_pipeline(encode, trees).fit(train[names[:-1]], train["14"])
    accuracy = accuracy_score(test["14"].str.rstrip("."), model.predict(test[names[:-1]]))
    return f"accuracy {accuracy:.4f} (boosted trees)"


def california(data: Path) -> str:
    """Boosted trees; 20 % random test, seed 42."""
    table = pd.read_csv(data / "tabular/california_housing/housing.csv")
    table["ocean_proximity"] = table["ocean_proximity"].astype("category")
    inputs, target = table.drop(columns="median_house_value"), table["median_house_value"]
    train_x, test_x, train_y, test_y = train_test_split(inputs, target, test_size=0.2, random_state=42)
    trees = HistGradientBoostingRegressor(categorical_features="from_dtype", random_state=SEED).fit(train_x, train_y)
    return f"RMSE {root_mean_squared_error(test_y, trees.predict(test_x)):,.0f} (boosted trees)"


def geometry(path: Path) -> np.ndarray:
    """21 numbers of a cloud: count, extents, spread along its axes and their ratios, heights, radii, position."""
    points = pd.read_csv(path)[["relative_x", "relative_y", "relative_z"]].to_numpy()
    centred = points - points.mean(0)
    spread = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(centred.T)), 0))[::-1]
    first, second, third = spread / max(spread[0], 1e-9)
    radius = np.linalg.norm(centred, axis=1)
    vertical = centred[:, 1]
    shape = [first - second, second - third, third, second]
    heights = [*np.percentile(vertical, [5, 25, 50, 75, 95]), vertical.std()]
    return np.array(
        [len(points), *np.ptp(points, axis=0), *spread, *shape, *heights, radius.mean(), radius.std(), radius.max(),
         np.prod(np.ptp(points, axis=0))]
    )  # fmt: skip


def lidarnet(data: Path) -> str:
    """A forest on 21 geometric features."""
    splits = pd.read_csv(data / "point_cloud/LiDARNet/splits.csv")
    features = np.stack([geometry(data / "point_cloud/LiDARNet" / name) for name in splits["file"]])
    is_train = (splits["split"] == "train").to_numpy()
    forest = RandomForestClassifier(500, random_state=SEED).fit(features[is_train], splits["label"][is_train])
    accuracy = accuracy_score(splits["label"][~is_train], forest.predict(features[~is_train]))
    return f"accuracy {accuracy:.4f} (forest on {features.shape[1]} geometric features)"


def cifar10(data: Path) -> str:
    """An RBF support vector machine on 128 principal components of the pixels."""
    from PIL import Image

    def load(split: str) -> tuple[np.ndarray, list[str]]:
        paths = sorted((data / "image/CIFAR-10-images" / split).glob("*/*.jpg"))
        pixels = np.stack([np.asarray(Image.open(path), dtype=np.float32).ravel() / 255 for path in paths])
        return pixels, [path.parent.name for path in paths]

    (train_x, train_y), (test_x, test_y) = load("train"), load("test")
    model = make_pipeline(StandardScaler(), PCA(128, random_state=SEED), SVC(C=5)).fit(train_x, train_y)
    return f"accuracy {accuracy_score(test_y, model.predict(test_x)):.4f} (PCA(128) and RBF-SVM on pixels)"


BASELINES: dict[str, Callable[[Path], str]] = {f.__name__: f for f in (adult, california, lidarnet, cifar10)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("datasets", nargs="*", default=list(BASELINES))
    arguments = parser.parse_args()
    if "MT_DATA" not in os.environ:
        raise SystemExit("set MT_DATA to the folder of the datasets (see docs/evidence.md)")
    print(machine())
    for name in arguments.datasets:
        started = time.perf_counter()
        print(
            f"{name}: {BASELINES[name](Path(os.environ['MT_DATA']))}, {time.perf_counter() - started:.0f} s", flush=True
        )


if __name__ == "__main__":
    main()
