"""Recordings in each format that is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mt_plugin_imu.demo import draw_movement

_RATE_HZ = 50.0


def write_examples(folder: Path) -> list[Path]:
    """Two seconds of walking a suffix, six axes; twice in the one of .ts."""
    values_T6 = draw_movement("walking", _RATE_HZ, 2.0, np.random.default_rng(0)).astype(np.float32)
    header = "ax,ay,az,gx,gy,gz"
    for suffix in (".csv", ".txt"):
        np.savetxt(folder / f"walking{suffix}", values_T6, delimiter=",", header=header, comments="", fmt="%.4f")
    np.savez(folder / "walking.npz", values=values_T6, rate=_RATE_HZ)
    np.save(folder / "walking.npy", values_T6)
    channels = [",".join(f"{value:.4f}" for value in axis) for axis in values_T6.T.tolist()]
    case = f"{':'.join(channels)}:walking\n"
    (folder / "walking.ts").write_text(f"@problemName examples\n@classLabel true walking\n@data\n{case}{case}")
    steps = "".join(f"@attribute step{number} numeric\n" for number in range(len(values_T6)))
    arff = f"@relation examples\n{steps}@attribute class {{walking}}\n@data\n{channels[0]},walking\n"
    (folder / "walking.arff").write_text(arff)
    return sorted(folder.iterdir())
