"""Pictures, films, clouds, spectra."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from native import SEED


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


def infrared(data: Path) -> str:
    """A forest on the pixels."""
    from PIL import Image

    folder = data / "infrared/InfraredSolarModules"
    splits = pd.read_csv(folder / "splits.csv")
    pixels = np.stack(
        [np.asarray(Image.open(folder / name).convert("L"), np.float32).ravel() for name in splits["file"]]
    )
    return f"accuracy {_forest(pixels, splits):.4f} (forest on pixels)"


def covid(data: Path) -> str:
    """Logistic regression on 48 x 48 pixels."""
    from PIL import Image

    folder = data / "xray/COVID-19"
    splits = pd.read_csv(folder / "splits.csv")
    small = [Image.open(folder / name).convert("L").resize((48, 48)) for name in splits["file"]]
    pixels = np.stack([np.asarray(picture, np.float32).ravel() / 255 for picture in small])
    is_train = (splits["split"] == "train").to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    model.fit(pixels[is_train], splits["label"][is_train])
    accuracy = accuracy_score(splits["label"][~is_train], model.predict(pixels[~is_train]))
    return f"accuracy {accuracy:.4f} (logistic regression on 48 x 48 pixels)"


def ucf101(data: Path) -> str:
    """Logistic regression on the mean frame and the mean of frame differences, 32 x 32 each, in colour."""
    folder = data / "video"

    def load(name: str) -> tuple[np.ndarray, list[str]]:
        lines = (folder / "ucfTrainTestlist" / name).read_text().split("\n")
        paths = [folder / "UCF-101" / line.split()[0] for line in lines if line.strip()]
        paths = [path for path in paths if path.is_file()]
        return np.stack([_film(path) for path in paths]), [path.parent.name for path in paths]

    (train_x, train_y), (test_x, test_y) = load("trainlist01.txt"), load("testlist01.txt")
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(train_x, train_y)
    return f"accuracy {accuracy_score(test_y, model.predict(test_x)):.4f} (mean pixels and motion, logistic regression)"


def indian_pines(data: Path) -> str:
    """An RBF support vector machine on standardised spectra, 5 folds."""
    from scipy.io import loadmat

    folder = data / "hyperspectral/IndianPines_pixels"
    spectra, labels = (_only(loadmat(path)) for path in (_named(folder, "Train_X"), _named(folder, "TrLabel")))
    spectra = spectra if len(spectra) == labels.size else spectra.T
    labels = labels.ravel() if labels.size == len(spectra) else labels.argmax(-1)
    folds = StratifiedKFold(5, shuffle=True, random_state=SEED)
    model = make_pipeline(StandardScaler(), SVC(C=100))
    return (
        f"accuracy {cross_val_score(model, spectra.astype(float), labels, cv=folds).mean():.4f} (SVM, mean of 5 folds)"
    )


def samson(data: Path) -> str:
    """An RBF support vector machine on standardised spectra, 10 % of the pixels for training."""
    from scipy.io import loadmat

    content = [loadmat(path) for path in sorted((data / "hyperspectral/Samson").rglob("*.mat"))]
    arrays = {name: values for each in content for name, values in each.items() if not name.startswith("__")}
    spectra = next(arrays[name] for name in ("Y", "V") if name in arrays).T
    labels = arrays["A"].argmax(0)
    train_x, test_x, train_y, test_y = train_test_split(
        spectra, labels, train_size=0.1, random_state=SEED, stratify=labels
    )
    model = make_pipeline(StandardScaler(), SVC(C=100)).fit(train_x, train_y)
    return f"accuracy {accuracy_score(test_y, model.predict(test_x)):.4f} (SVM, 10 % of the pixels)"


def _forest(features: np.ndarray, splits: pd.DataFrame) -> float:
    is_train = (splits["split"] == "train").to_numpy()
    forest = RandomForestClassifier(500, random_state=SEED).fit(features[is_train], splits["label"][is_train])
    return float(accuracy_score(splits["label"][~is_train], forest.predict(features[~is_train])))


def _film(path: Path) -> np.ndarray:
    import av

    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(width=32, height=32, format="rgb24") for frame in container.decode(video=0)]
    film = np.stack(frames).astype(np.float32) / 255
    return np.concatenate([film.mean(0).ravel(), np.abs(np.diff(film, axis=0)).mean(0).ravel()])


def _named(folder: Path, name: str) -> Path:
    return next(path for path in sorted(folder.rglob("*.mat")) if name.lower() in path.stem.lower())


def _only(content: dict[str, np.ndarray]) -> np.ndarray:
    return max((values for name, values in content.items() if not name.startswith("__")), key=np.size)
