"""Movements drawn for a demonstration: sums of harmonics in six axes, with gravity.  T steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import SPLITS
from mt_core.errors import OptionError
from mt_core.sdk import Listing

MOVEMENTS = ("jumping", "resting", "running", "turning", "walking")

_RATES_HZ = (25.0, 50.0, 100.0)
_GRAVITY = 9.81


def write_movements(folder: Path, split: str, size: int, seed: int) -> Listing:
    """So many recordings of 2 to 4 s in a folder: every other one a .csv with a column of time, the others .npz."""
    if split not in SPLITS:
        raise OptionError(f"there is no split called {split!r}", fix=f"use one of {', '.join(SPLITS)}")
    parts = SPLITS[:3] if split == "all" else (split,)
    samples: list[str] = []
    labels: list[str] = []
    for place in range(size):
        part, number = parts[place % len(parts)], place // len(parts)
        draw = np.random.default_rng([seed, SPLITS.index(part), number])
        movement = MOVEMENTS[number % len(MOVEMENTS)]
        rate = float(draw.choice(_RATES_HZ))
        values_T6 = draw_movement(movement, rate, float(draw.uniform(2, 4)), draw)
        path = folder / f"{part}_{number:04d}{('.csv', '.npz')[number % 2]}"
        if path.suffix == ".csv":
            rows = np.column_stack([np.arange(len(values_T6)) / rate, values_T6]).tolist()
            lines = ["time_s,ax,ay,az,gx,gy,gz", *(",".join([f"{number:.4f}" for number in row]) for row in rows)]
            path.write_text("\n".join(lines) + "\n")
        else:
            np.savez(path, values=values_T6.astype(np.float32), rate=rate)
        samples.append(str(path))
        labels.append(movement)
    return Listing(samples, labels, MOVEMENTS, "drawn")


def draw_movement(movement: str, rate: float, seconds: float, draw: np.random.Generator) -> NDArray[np.float64]:
    """(T, 6) acceleration in m/s² and angular velocity in rad/s, of a device held at any angle."""
    times_T = np.arange(round(seconds * rate)) / rate
    acceleration_T3, turning_T3 = np.zeros((2, len(times_T), 3))
    acceleration_T3[:, 2] = _GRAVITY
    phase = draw.uniform(0, 2 * np.pi)
    if movement in ("walking", "running"):  # running is quicker, and its steps are harder
        strides_hz = draw.uniform(1.6, 2.1) if movement == "walking" else draw.uniform(2.4, 3.2)
        strength = draw.uniform(1.5, 3) if movement == "walking" else draw.uniform(5, 9)
        step_T = 2 * np.pi * strides_hz * times_T + phase
        for harmonic in (1, 2, 3):
            shape_3 = np.array([0.5, 0.3, 1.0]) * draw.uniform(0.7, 1.3, 3) / harmonic
            acceleration_T3 += strength * np.sin(harmonic * step_T + draw.uniform(0, 0.5))[:, None] * shape_3
        turning_T3 += 0.2 * strength * np.sin(step_T / 2)[:, None] * draw.uniform(0.5, 1, 3)
    elif movement == "jumping":  # pushes, and between them a fall in which nothing is felt
        jump_T = np.sin(2 * np.pi * draw.uniform(0.8, 1.3) * times_T + phase)
        acceleration_T3[:, 2] = np.where(jump_T > 0.2, 0, _GRAVITY + draw.uniform(10, 16) * np.clip(-jump_T, 0, None))
    elif movement == "turning":
        turning_T3[:, 2] = draw.choice([-1, 1]) * draw.uniform(1.5, 3) * (1 + 0.2 * np.sin(3 * times_T + phase))
        acceleration_T3 += 0.4 * np.sin(2 * np.pi * 1.2 * times_T + phase)[:, None] * draw.uniform(0, 1, 3)
    held_33, triangle_33 = np.linalg.qr(draw.normal(size=(3, 3)))
    held_33 *= np.sign(np.diag(triangle_33))  # evenly over all angles: Mezzadri 2007, arXiv:math-ph/0609050
    held_33[:, 0] *= np.sign(np.linalg.det(held_33))  # turned, not mirrored
    noisy = [sensor @ held_33 + draw.normal(scale=0.05, size=sensor.shape) for sensor in (acceleration_T3, turning_T3)]
    return np.concatenate(noisy, axis=1)
