"""Samples that are pictures as they were read, with the boxes or the mask that they are labelled with.  H, W, C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import AnyTask, Boxes, Detection, Segmentation
from mt_core.sdk.boxes.written import with_boxes
from mt_core.sdk.masks.written import class_colours

_OPACITY = 0.5


def own_picture(sample: Any, target: Any = None, task: AnyTask | None = None) -> NDArray[np.uint8] | None:
    """(H, W, 3) 8-bit, whole; None of a sample that is no array of 8-bit pixels, or of floats in 0..1.

    Args:
        target: Boxes are drawn as frames, a mask as colours over the picture.
        task: What the target means.
    """
    if not isinstance(sample, np.ndarray) or sample.ndim != 3 or sample.shape[-1] not in (1, 3, 4):
        return None
    picture = _eight_bit(sample)
    if picture is None or target is None:
        return picture
    if isinstance(task, Detection) and isinstance(target, Boxes):
        return np.asarray(with_boxes(picture, _objects(target, task, picture.shape[:2]), task))
    if isinstance(task, Segmentation) and np.shape(target) == picture.shape[:2]:
        return _coloured(picture, np.asarray(target), task)
    return picture


def enlarged(picture: NDArray[np.uint8], least: int) -> NDArray[np.uint8]:
    """A small picture as often as large as it takes, without smoothing."""
    times = max(1, least // max(picture.shape[:2]))
    return picture.repeat(times, 0).repeat(times, 1)


def _eight_bit(sample: NDArray[Any]) -> NDArray[np.uint8] | None:
    shown: NDArray[Any] = sample[..., :3] if sample.shape[-1] >= 3 else np.repeat(sample[..., :1], 3, axis=-1)
    if shown.dtype == np.uint8:
        return np.ascontiguousarray(shown, np.uint8)
    if shown.dtype.kind != "f" or not np.isfinite(shown).all() or shown.min() < 0 or shown.max() > 1:
        return None
    return np.asarray(np.rint(shown * 255), np.uint8)


def _objects(target: Boxes, task: Detection, size: tuple[int, ...]) -> list[Mapping[str, Any]]:
    """As frames are drawn, on a picture of another size than the boxes' too."""
    high, wide = target.size or size
    scale = np.array([size[1] / wide, size[0] / high] * 2)
    boxes = np.asarray(target.xyxy, float).reshape(-1, 4) * scale
    return [
        {"class": task.classes[int(index)], "box": box.tolist()}
        for box, index in zip(boxes, np.asarray(target.classes).reshape(-1), strict=True)
    ]


def _coloured(picture: NDArray[np.uint8], mask_HW: NDArray[Any], task: Segmentation) -> NDArray[np.uint8]:
    """What is of no class stays as it is."""
    is_known = mask_HW >= 0
    colours = class_colours(task)[mask_HW[is_known]]
    mixed = picture.astype(float)
    mixed[is_known] = (1 - _OPACITY) * mixed[is_known].mean(-1, keepdims=True) + _OPACITY * colours
    return np.asarray(np.rint(mixed), np.uint8)
