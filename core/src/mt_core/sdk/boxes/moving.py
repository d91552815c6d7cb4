"""Boxes of a data set, with the classes of an earlier run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mt_core.contract import Boxes, Detection
from mt_core.errors import OptionError


def boxes_with_classes_of(targets: Sequence[Boxes], found: Detection, task: Detection, source: str) -> list[Boxes]:
    """The objects of a data set as an earlier run numbers their classes, by name.

    Raises:
        OptionError: objects of a class that the run does not have.
    """
    index_of = {name: index for index, name in enumerate(task.classes)}
    occurs = {int(index) for target in targets for index in np.unique(target.classes)}
    if strange := sorted(found.classes[index] for index in occurs if found.classes[index] not in index_of):
        raise OptionError(
            f"{source} has objects of classes that the task does not: {', '.join(strange[:5])}",
            fix=f"the task has {', '.join(task.classes[:20])}; remove or rename the others",
        )
    new_K = np.array([index_of.get(name, -1) for name in found.classes], np.int64)
    return [target._replace(classes=new_K[target.classes]) for target in targets]
