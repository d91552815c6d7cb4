"""How well boxes are found, as COCO measures it.  B pictures, D objects that were found, M that are there."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric

Rows = list[Tensor]


class AveragePrecision(Metric):
    """One of the numbers of torchmetrics' `MeanAveragePrecision`, from tensors of one row an object.

    Metrics of one collection compute them once for all.

    Args:
        of: "map" (mean over classes and over thresholds of overlap from 0.5 to 0.95), "map_50", "map_75"; or the index
            of a class, whose own average precision over these thresholds it then is.
        computed: What the last of the collection's metrics computed; the same for all of them.

    Source: Lin et al. 2014, arXiv:1405.0312; pycocotools' cocoeval.py.
    """

    full_state_update = False
    found: Rows
    there: Rows

    def __init__(self, of: Literal["map", "map_50", "map_75"] | int, computed: Computed) -> None:
        super().__init__()
        self.of = of
        self.computed = computed
        self.add_state("found", default=[], dist_reduce_fx=None)
        self.add_state("there", default=[], dist_reduce_fx=None)

    def update(self, predicted: Tensor, target: Tensor) -> None:
        """(B, D, 6) left, top, right, bottom, score and class, NaN behind the objects of a picture; and targets as
        `Detection.stack` gives them."""
        self.found += [rows_D6[~rows_D6[:, 0].isnan()].detach().float().cpu() for rows_D6 in predicted]
        self.there += [rows_M6[rows_M6[:, 4] >= 0].detach().float().cpu() for rows_M6 in target]

    def compute(self) -> Tensor:
        """
        Raises:
            ValueError: there is no such object, which is shown as NaN.
        """
        value = self.computed.of(self.found, self.there).get(self.of, -1.0)
        if value < 0:
            raise ValueError("there is no object of this class")
        return torch.tensor(value)


class Computed:
    """All numbers of the objects that were asked for last."""

    def __init__(self) -> None:
        self._rows: tuple[Rows, Rows] | None = None
        self._values: dict[str | int, float] = {}

    def of(self, found: Rows, there: Rows) -> dict[str | int, float]:
        if self._rows is None or not all(map(_are_same, self._rows, (found, there))):
            self._values = _measured(found, there)
            self._rows = (list(found), list(there))
        return self._values


def _are_same(one: Rows, other: Rows) -> bool:
    return len(one) == len(other) and all(map(torch.equal, one, other))


def _measured(found: Rows, there: Rows) -> dict[str | int, float]:
    from torchmetrics.detection import MeanAveragePrecision

    metric = MeanAveragePrecision(
        backend="faster_coco_eval",
        class_metrics=True,
        # as pycocotools has them: torchmetrics' own are rounded to 32 bits, and a recall of 0.6 is then below 0.6
        iou_thresholds=np.linspace(0.5, 0.95, 10).tolist(),
        rec_thresholds=np.linspace(0.0, 1.0, 101).tolist(),
    )
    metric.warn_on_many_detections = False  # of each picture the best hundred count, as in COCO
    metric.update(
        [{"boxes": rows[:, :4], "scores": rows[:, 4], "labels": rows[:, 5].long()} for rows in found],
        [{"boxes": rows[:, :4], "labels": rows[:, 4].long(), "iscrowd": rows[:, 5].long()} for rows in there],
    )
    values: dict[str, Any] = metric.compute()
    of_class = zip(values["classes"].reshape(-1).tolist(), values["map_per_class"].reshape(-1).tolist(), strict=True)
    return {**{name: float(values[name]) for name in ("map", "map_50", "map_75")}, **dict(of_class)}
