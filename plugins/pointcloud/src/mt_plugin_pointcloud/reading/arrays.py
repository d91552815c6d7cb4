"""NumPy's own files: one array, or a zip of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mt_core.sdk import left_out, names_in_npz, some_of
from mt_core.sdk import read_npz as read_array
from mt_plugin_pointcloud.cloud import CHANNELS, LABELS, step_for
from mt_plugin_pointcloud.reading.columns import Raw, from_rows

_KEYS = ("points", "pos", "xyz")
_CHANNELS = {
    "colour": ("colors", "colours", "color", "colour", "rgb"),
    "normals": ("normals", "normal"),
    "intensity": ("intensity", "intensities", "reflectance", "remission"),
    LABELS: ("labels", "label", "semantic_labels", "classification", "seg"),
}


def read_npy(path: Path) -> Raw:
    """An array of one row a point; of a large one only the rows that are kept are read."""
    rows = np.load(path, mmap_mode="r", allow_pickle=False)
    kept = np.array(rows[:: step_for(len(rows))]) if rows.ndim else rows
    return from_rows(kept, str(path))


def read_npz(path: Path) -> Raw:
    """The array called points, pos or xyz, or the only one, see `mt_core.sdk.read_npz`; and of the arrays beside it
    those of a number or three a point that are called after a channel.

    Warns:
        DataWarning: arrays of other names or sizes.
    """
    raw = from_rows(read_array(path, _KEYS), str(path))
    channels, unused = dict(raw.channels), []
    names = names_in_npz(path)
    taken = next((key for key in _KEYS if key in names), None)
    for name in names:
        if name == taken or len(names) == 1:
            continue
        channel = next((channel for channel, called in _CHANNELS.items() if name.lower() in called), None)
        values = read_array(path, (name,)) if channel is not None else None
        width = CHANNELS.get(channel or "", 1)
        if (
            channel is None
            or values is None
            or values.shape not in ((len(raw.points),) * (width == 1), (len(raw.points), width))
        ):
            unused.append(name)
        else:
            channels[channel] = values.reshape(-1, width)
    if unused:
        left_out(str(path), f"the arrays {some_of(unused)}")
    return raw._replace(channels=channels)
