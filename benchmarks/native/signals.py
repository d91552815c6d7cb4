"""Sound, motion and series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.fft import dct
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from mt_core.sdk import read_uea
from native import SEED


def fsdd(data: Path) -> str:
    """An RBF support vector machine on mean, deviation and change of 20 cepstral coefficients; the official test."""
    import soundfile

    paths = sorted((data / "audio/free-spoken-digit-dataset").rglob("*.wav"))
    features = np.stack([_cepstral(*soundfile.read(path)) for path in paths])
    digit = np.array([path.stem.split("_")[0] for path in paths])
    is_test = np.array([int(path.stem.split("_")[2]) < 5 for path in paths])
    model = make_pipeline(StandardScaler(), SVC(C=10)).fit(features[~is_test], digit[~is_test])
    return f"accuracy {accuracy_score(digit[is_test], model.predict(features[is_test])):.4f} (MFCC and SVM)"


def _cepstral(wave: np.ndarray, rate: int) -> np.ndarray:
    """Coefficients in each of six equal parts of a recording, and their spread."""
    step, size = int(0.01 * rate), int(0.025 * rate)
    wave = np.pad(wave, (0, max(0, 6 * step + size - len(wave))))
    frames = np.lib.stride_tricks.sliding_window_view(wave, size)[::step] * np.hamming(size)
    power = np.abs(np.fft.rfft(frames, 512)) ** 2
    mel = 2595 * np.log10(1 + np.fft.rfftfreq(512, 1 / rate) / 700)
    edges = np.linspace(0, mel[-1], 42)
    rising = (mel[None] - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - mel[None]) / np.diff(edges)[1:, None]
    bank = np.clip(np.minimum(rising, falling), 0, None)
    coefficients = dct(np.log(power @ bank.T + 1e-10), norm="ortho")[:, :20]
    parts = np.array_split(coefficients, 6)
    return np.concatenate([*(part.mean(0) for part in parts), coefficients.std(0), [np.log(len(frames))]])


def racketsports(data: Path) -> str:
    """The nearest recording, and a forest on simple features."""
    return _recordings(data / "imu/RacketSports", "RacketSports")


def epilepsy(data: Path) -> str:
    """The nearest recording, and a forest on simple features."""
    return _recordings(data / "imu/Epilepsy", "Epilepsy")


def _recordings(folder: Path, name: str) -> str:
    train, test = (read_uea(folder / f"{name}_{part}.ts") for part in ("TRAIN", "TEST"))
    train_x, test_x = np.stack(train.series), np.stack(test.series)
    nearest = KNeighborsClassifier(1).fit(train_x.reshape(len(train_x), -1), train.labels)
    by_distance = accuracy_score(test.labels, nearest.predict(test_x.reshape(len(test_x), -1)))
    forest = RandomForestClassifier(500, random_state=SEED).fit(_simple(train_x), train.labels)
    by_features = accuracy_score(test.labels, forest.predict(_simple(test_x)))
    return f"accuracy {by_distance:.4f} (1-NN), {by_features:.4f} (forest on simple features)"


def _simple(series_NTC: np.ndarray) -> np.ndarray:
    """Of each axis: mean, deviation, extremes, quartiles, activity and the strongest frequency."""
    change = np.abs(np.diff(series_NTC, axis=1))
    spectrum = np.abs(np.fft.rfft(series_NTC - series_NTC.mean(1, keepdims=True), axis=1))
    quartiles = np.quantile(series_NTC, [0.25, 0.5, 0.75], axis=1)
    features = [series_NTC.mean(1), series_NTC.std(1), series_NTC.min(1), series_NTC.max(1), *quartiles, change.mean(1)]
    return np.concatenate([*features, change.max(1), spectrum.argmax(1), spectrum.max(1)], axis=1)


def etth1(data: Path) -> str:
    """One ridge regression for all channels, the last value subtracted; input 336, horizons 96 and 336."""
    table = pd.read_csv(data / "time_series/ETT-small/ETTh1.csv").iloc[:14_400, 1:].to_numpy(np.float64)
    table = (table - table[:8640].mean(0)) / table[:8640].std(0)
    return ", ".join(_ridge(table, horizon) for horizon in (96, 336)) + " (ridge, last value subtracted)"


def _ridge(table: np.ndarray, horizon: int, lookback: int = 336) -> str:
    def windows(first: int, last: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        view = np.lib.stride_tricks.sliding_window_view(table[first:last], lookback + horizon, axis=0)[::step]
        rows = view.reshape(-1, lookback + horizon)
        rows = rows - rows[:, lookback - 1 : lookback]
        return rows[:, :lookback], rows[:, lookback:]

    model = Ridge(10.0).fit(*windows(0, 8640, 2))
    inputs, targets = windows(11_520 - lookback, 14_400, 1)
    error = model.predict(inputs) - targets
    return f"horizon {horizon}: MSE {np.square(error).mean():.3f}, MAE {np.abs(error).mean():.3f}"
