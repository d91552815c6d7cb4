"""The methods by name, and which one is taken where none is named."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from mt_explain.methods.gradients import gradient, integrated_gradients
from mt_explain.methods.occlusion import occlusion
from mt_explain.methods.rollout import rollout
from mt_explain.names import DEFAULT_METHOD as DEFAULT_METHOD
from mt_explain.names import MOST_OCCLUDED
from mt_explain.one_sample import OneSample
from mt_explain.target import Target

Method = Callable[[OneSample, Target], Tensor]
"""(P,) what each part adds to the target's score."""


def auto(sample: OneSample, target: Target) -> Tensor:
    """What `resolved` chooses."""
    return METHODS[resolved("auto", sample)](sample, target)


def resolved(method: str, sample: OneSample) -> str:
    """The method itself; for `auto` occlusion, which was measured to be the most faithful, and integrated gradients of
    a sample of so many parts that occlusion would take longer."""
    if method != "auto":
        return method
    return "occlusion" if len(sample.parts) <= MOST_OCCLUDED else "integrated-gradients"


METHODS: dict[str, Method] = {
    "auto": auto,
    "occlusion": occlusion,
    "integrated-gradients": integrated_gradients,
    "gradient": gradient,
    "rollout": rollout,
}
