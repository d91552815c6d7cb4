"""Which head a task gets by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mt_core.contract import AnyTask, Head
from mt_core.errors import OptionError
from mt_core.heads.alignment import AlignmentHead
from mt_core.heads.classification import ClassificationHead
from mt_core.heads.detection import DetectionHead
from mt_core.heads.forecasting import ForecastingHead
from mt_core.heads.multilabel import MultilabelHead
from mt_core.heads.picture_segmentation import PictureSegmentationHead
from mt_core.heads.regression import RegressionHead
from mt_core.heads.retrieval import RetrievalHead
from mt_core.heads.scene_segmentation import SceneSegmentationHead
from mt_core.heads.segmentation import SegmentationHead

_HEADS: tuple[type[Head], ...] = (
    ClassificationHead,
    MultilabelHead,
    RegressionHead,
    SegmentationHead,
    PictureSegmentationHead,
    SceneSegmentationHead,
    DetectionHead,
    ForecastingHead,
    RetrievalHead,
    AlignmentHead,
)


def head_for(task: AnyTask, preferred: type[Head] | None = None) -> type[Head]:
    """The class of head for a task: the preferred one (a plugin's) if it takes that kind of task, else the core's.

    Raises:
        OptionError: no head takes this kind of task.
    """
    candidates: tuple[type[Head], ...] = (*((preferred,) if preferred is not None else ()), *_HEADS)
    chosen = next((head for head in candidates if head.takes(task)), None)
    if chosen is not None:
        return chosen
    raise OptionError(
        f"no head takes a task of kind {task.kind!r}",
        fix=f"use one of {', '.join(sorted({kind for head in candidates for kind in head.kinds}))}",
    )


def default_head(
    width: int,
    task: AnyTask,
    preferred: type[Head] | None = None,
    *,
    suggested: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Head:
    """A head for a task.

    Args:
        preferred: See `head_for`.
        suggested: Options of the modality's recipe: those among `options` that are the same are left out where this
            head does not have them.
        options: The head's.

    Raises:
        OptionError: no head takes this kind of task, or an option that the head does not have, or a value of it.
    """
    head = head_for(task, preferred)
    known, suggested = head.Options.model_fields, suggested or {}
    given = {name: value for name, value in (options or {}).items() if name in known or suggested.get(name) != value}
    return head(width, task, head.Options.parse(given))
