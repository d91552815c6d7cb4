"""What is seen of a prediction: masks and boxes, over the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mt_core.contract import AnyTask, Detection
from mt_core.sdk import write_boxes, write_masks
from mt_core.sdk.blocks import AS_IT_IS
from mt_plugin_xray.grey import stretched
from mt_plugin_xray.reading import Film, read_film


def write(source: Any, records: Sequence[Mapping[str, Any]], task: AnyTask, folder: Path) -> list[Path]:
    """See `mt_core.sdk.write_masks` and `write_boxes`; nothing for a task that labels neither pixels nor objects."""
    writing = write_boxes if isinstance(task, Detection) else write_masks
    return writing(source, records, task, folder, read=_film)


def _film(source: Any) -> Film:
    """(H, W, 1) floats from the film's own 1st percentile, black, to its 99th, white."""
    return stretched(read_film(source, AS_IT_IS))
