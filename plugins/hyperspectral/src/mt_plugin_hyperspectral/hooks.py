"""What is measured of maps beside what the head measures."""

from __future__ import annotations

from torchmetrics import Metric
from torchmetrics.classification import MulticlassJaccardIndex

from mt_core.contract import AnyTask, Classification
from mt_core.hooks import hookimpl


@hookimpl
def mt_metrics(modality: str, task: AnyTask) -> dict[str, Metric] | None:
    """miou, the mean over the classes of intersection over union of the labelled pixels."""
    if modality != "hyperspectral" or not isinstance(task, Classification):
        return None
    return {"miou": MulticlassJaccardIndex(max(2, len(task.classes)), average="macro")}
