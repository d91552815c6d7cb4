"""Which head a task gets where nobody chose one."""

from __future__ import annotations

from typing import Any

from mt_core.contract import AnyTask, Head
from mt_core.errors import OptionError
from mt_core.heads.classification import ClassificationHead
from mt_core.heads.multilabel import MultilabelHead
from mt_core.heads.regression import RegressionHead

_HEADS: tuple[type[Head], ...] = (ClassificationHead, MultilabelHead, RegressionHead)


def default_head(
    width: int,
    task: AnyTask,
    preferred: type[Head] | None = None,
    **options: Any,
) -> Head:
    """A head for a task: the preferred one (a plugin's) if it takes that kind of task, else the core's.

    Raises:
        OptionError: no head takes this kind of task, or an option that the head does not have.
    """
    candidates = (*((preferred,) if preferred is not None else ()), *_HEADS)
    for head in candidates:
        if task.kind in head.kinds:
            try:
                made: Head = head(width, task, **options)
                return made
            except TypeError as error:
                raise OptionError(
                    f"{head.__name__} does not take these options: {options}", fix=f"see its documentation ({error})"
                ) from None
    raise OptionError(
        f"no head takes a task of kind {task.kind!r}",
        fix=f"use one of {', '.join(sorted({kind for head in candidates for kind in head.kinds}))}",
    )
