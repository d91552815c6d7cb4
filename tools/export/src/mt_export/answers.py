"""The outputs of an exported model: a head's scores, what they say in probabilities or units, and the vector.

B samples, K classes, O outputs, A cells of a picture, D width.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from mt_core.contract import Features, Head
from mt_core.heads import (
    ClassificationHead,
    DetectionHead,
    ForecastingHead,
    MultilabelHead,
    PictureSegmentationHead,
    RegressionHead,
    RetrievalHead,
    SceneSegmentationHead,
    SegmentationHead,
)

SCORES, VECTOR = "scores", "vector"
CANDIDATES = ("cell_boxes", "cell_scores", "cell_levels")


@dataclass(frozen=True)
class Output:
    """One output of the graph.

    Attributes:
        name: Its name in the graph.
        meaning: One sentence.
        compute: From features, and the head's scores (None without a head).
        names: What stands at the places of its last axis; () where they have no names.
        unit: Of its numbers; "" where they have none.
        scale: What an error of it is divided by, for parity: (O,) the deviation of what is predicted, or a function of
            the output; None: nothing.
    """

    name: str
    meaning: str
    compute: Callable[[Features, Tensor | None], Tensor]
    names: tuple[str, ...] = ()
    unit: str = ""
    scale: Tensor | Callable[[Tensor], Tensor] | None = None


def outputs_of(head: Head | None) -> list[Output]:
    """The outputs of a model with this head: `scores` as the head gives them, then what `decode` makes of them where
    it is one tensor, then `vector`."""
    vector = Output(
        VECTOR, "The vector of the sample, as mt embed gives it for the run.", lambda features, _: features.pooled
    )
    if head is None:
        return [vector]
    if head.vector_width is not None:
        vector = Output(
            VECTOR,
            "The vector of length 1 by which samples are compared.",
            lambda features, _: _vectors(head, features),
        )
    return [*_answers(head), vector]


def _answers(head: Head) -> list[Output]:
    inner = getattr(head, "inner", head)  # neighbours answer as the head that decodes for them
    task: Any = head.task
    if isinstance(inner, ClassificationHead):
        return [
            Output(SCORES, "Logits, one a class.", _scores, task.classes),
            Output("probabilities", "Probability of each class.", lambda _, s: _given(s).softmax(-1), task.classes),
        ]
    if isinstance(inner, MultilabelHead):
        return [
            Output(SCORES, "Logits, one a label.", _scores, task.labels),
            Output("probabilities", "Probability of each label.", lambda _, s: _given(s).sigmoid(), task.labels),
        ]
    if isinstance(inner, RegressionHead):
        mean_T, scale_T = inner.mean_T, inner.scale_T
        return [
            Output(
                SCORES, "Predictions in standard deviations from the mean of the training targets.", _scores, task.names
            ),
            Output(
                "prediction",
                "Predictions in the unit of the targets.",
                lambda _, s: _given(s) * scale_T + mean_T,
                task.names,
                task.unit,
                scale_T,
            ),
        ]
    if isinstance(inner, ForecastingHead):
        return [
            Output(
                SCORES,
                "The next steps of each channel, in the unit of the series.",
                _scores,
                task.channels,
                "of the series",
                inner.scale_C,
            )
        ]
    if isinstance(inner, SegmentationHead):
        return [
            Output(
                SCORES,
                "Logits, one a class, of each place of the sample; NaN behind its places.",
                _scores,
                task.classes,
            )
        ]
    if isinstance(inner, PictureSegmentationHead):
        return [Output(SCORES, "Logits, one a class, of each pixel of the picture.", _scores, task.classes)]
    if isinstance(inner, SceneSegmentationHead):
        return [
            Output(
                SCORES,
                "Logarithms of the probabilities of the classes, of each of the `size` points of the scene; minus "
                "infinity for a point that no block has.",
                _scores,
                task.classes,
            )
        ]
    if isinstance(inner, DetectionHead):
        return _of_cells(inner)
    if isinstance(inner, RetrievalHead):
        return [Output(SCORES, "The embedding, before the normalisation that makes vectors of it.", _scores)]
    return [Output(SCORES, f"What {type(head).__name__} gives for a task of {task.kind}.", _scores)]


def _of_cells(head: DetectionHead) -> list[Output]:
    def candidates(place: int, _: Features, scores: Tensor | None) -> Tensor:
        return head.candidates(_given(scores))[place]

    boxes, class_scores, levels = CANDIDATES
    return [
        Output(
            SCORES,
            "What the head gives for each cell of the picture; cell_boxes, cell_scores and cell_levels are made of it.",
            _scores,
            scale=lambda scores_BAO: scores_BAO.abs().clamp(min=1),  # pixels of the picture are among them
        ),
        Output(
            boxes,
            "The box that each cell proposes, cut to the picture.",
            partial(candidates, 0),
            ("left", "top", "right", "bottom"),
            "pixels",
            lambda boxes_BA4: boxes_BA4.amax().clamp(min=1),
        ),
        Output(class_scores, "Score of each class in the box, 0 to 1.", partial(candidates, 1), head.classes),
        Output(levels, "Number of the map that the cell belongs to, 0 for the finest.", partial(candidates, 2)),
    ]


def postprocessing_of(head: Head | None) -> dict[str, Any] | None:
    """What is left to do with the outputs for an answer, for the card; None where an output is the answer."""
    if isinstance(head, PictureSegmentationHead):
        return {"what": "The class of a pixel is the one with the largest of the scores."}
    if isinstance(head, SceneSegmentationHead):
        return {
            "what": "The class of a point is the one with the largest of the scores. A point whose scores are all "
            "minus infinity is of none, -1 in what mt predict gives."
        }
    if isinstance(head, DetectionHead):
        return {"what": inspect.getdoc(head.selection), "options": head.selection()}
    return None


def _scores(_: Features, scores: Tensor | None) -> Tensor:
    return _given(scores)


def _given(scores: Tensor | None) -> Tensor:
    assert scores is not None
    return scores.float()


def _vectors(head: Head, features: Features) -> Tensor:
    vectors = head.vectors(features)
    assert isinstance(vectors, Tensor)
    return vectors


def difference(output: Output, expected: Tensor, computed: Tensor) -> float:
    """The largest difference of two results, in `scale`s; infinite where one is not a number and the other is."""
    if expected.shape != computed.shape or not torch.equal(expected.isnan(), computed.isnan()):
        return float("inf")
    apart = (expected.double() - computed.double()).abs()
    if output.scale is not None:
        apart = apart / (output.scale(expected) if callable(output.scale) else output.scale).to(apart)
    return float(apart.nan_to_num(0.0).max()) if apart.numel() else 0.0
