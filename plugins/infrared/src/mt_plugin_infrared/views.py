"""What is seen of a prediction: masks and boxes, over the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mt_core.contract import AnyTask, Detection
from mt_core.sdk import write_boxes, write_masks
from mt_core.sdk.blocks import AS_IT_IS
from mt_plugin_infrared.levels import Range
from mt_plugin_infrared.reading import Frame, read_frame


def write(source: Any, records: Sequence[Mapping[str, Any]], task: AnyTask, folder: Path) -> list[Path]:
    """See `mt_core.sdk.write_masks` and `write_boxes`; nothing for a task that labels neither pixels nor objects."""
    writing = write_boxes if isinstance(task, Detection) else write_masks
    return writing(source, records, task, folder, read=_frame)


def _frame(source: Any) -> Frame:
    """(H, W, 1) floats from the picture's own coldest to its hottest."""
    frame = read_frame(source, 1, AS_IT_IS)
    return Range.of(frame).levelled(frame)
