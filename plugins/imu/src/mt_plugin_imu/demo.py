"""Movements drawn for a demonstration: sums of harmonics in six axes, with gravity.  T steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.sdk import Listing, demo_files

MOVEMENTS = ("jumping", "resting", "running", "turning", "walking")

_RATES_HZ = (25.0, 50.0, 100.0)
_GRAVITY = 9.81
_AXES = "ax,ay,az,gx,gy,gz"


def write_demo(split: str, size: int, seed: int) -> Listing:
    """Recordings of 2 to 4 s in files: every other one of a movement a .csv with a column of time, the others .npz."""
    return demo_files("imu", split, size, seed, MOVEMENTS, _write)


def _write(stem: Path, movement: str, turn: int, draw: np.random.Generator) -> Path:
    rate = float(draw.choice(_RATES_HZ))
    values_T6 = draw_movement(movement, rate, float(draw.uniform(2, 4)), draw)
    if turn % 2:
        np.savez(path := stem.with_suffix(".npz"), values=values_T6.astype(np.float32), rate=rate)
        return path
    rows_T7 = np.column_stack([np.arange(len(values_T6)) / rate, values_T6])
    return _write_text(stem.with_suffix(".csv"), rows_T7, f"time_s,{_AXES}")


def _write_text(path: Path, rows: NDArray[np.floating], header: str) -> Path:
    np.savetxt(path, rows, delimiter=",", header=header, comments="", fmt="%.4f")
    return path


def write_examples(folder: Path) -> list[Path]:
    """Two seconds of walking in each format, six axes; twice in the one of .ts."""
    rate = _RATES_HZ[1]
    values_T6 = draw_movement("walking", rate, 2.0, np.random.default_rng(0)).astype(np.float32)
    for suffix in (".csv", ".txt"):
        _write_text(folder / f"walking{suffix}", values_T6, _AXES)
    np.savez(folder / "walking.npz", values=values_T6, rate=rate)
    np.save(folder / "walking.npy", values_T6)
    channels = [",".join(f"{value:.4f}" for value in axis) for axis in values_T6.T.tolist()]
    case = f"{':'.join(channels)}:walking\n"
    (folder / "walking.ts").write_text(f"@problemName examples\n@classLabel true walking\n@data\n{case}{case}")
    steps = "".join(f"@attribute step{number} numeric\n" for number in range(len(values_T6)))
    arff = f"@relation examples\n{steps}@attribute class {{walking}}\n@data\n{channels[0]},walking\n"
    (folder / "walking.arff").write_text(arff)
    return sorted(folder.iterdir())


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
