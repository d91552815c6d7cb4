# mypy: disable-error-code="empty-body"
"""The places where a plugin can act around the core's own work. Each is called once a batch or more seldom.

A plugin names a module of implementations in its manifest (`hooks = "mt_plugin_x.hooks"`):

    from mt_core.plugins import hookimpl

    @hookimpl(wrapper=True)
    def mt_encode(modality, tokens):
        started = time.perf_counter()
        features = yield
        print(modality, tokens.num_samples / (time.perf_counter() - started), "samples a second")
        return features

The module is imported when its modality is first used: hooks of a plugin that nobody asked for never fire. An
implementation takes those of the arguments that it needs, by name.

An error in one of the first three ends the work and names the plugin; an error in any other is reported once as a
warning that names the plugin, and the work goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from torch import Tensor
    from torchmetrics import Metric

    from mt_core.contract import AnyTask, Features, Head, Tokenizer, Tokens
    from mt_core.encoder import Encoder

PROJECT = "mt"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function as the implementation of the hook it is named after."""


@hookspec(firstresult=True)
def mt_tokenize(modality: str, tokenizer: Tokenizer, batch: Mapping[str, Tensor]) -> Tokens:
    """One batch to tokens: the core gives `tokenizer(batch)`, plugins wrap it."""


@hookspec(firstresult=True)
def mt_encode(modality: str, encoder: Encoder, tokens: Tokens) -> Features:
    """One batch through the frozen encoder: the core gives `encoder(tokens)`, plugins wrap it."""


@hookspec(firstresult=True)
def mt_predict(modality: str, head: Head, features: Features) -> Tensor:
    """One batch to the head's unnormalised scores: the core gives `head(features)`, plugins wrap it."""


@hookspec
def mt_metrics(modality: str, task: AnyTask) -> dict[str, Metric]:
    """More metrics for this task, new ones at each call, beside those of the head; updated as the head's are."""


@hookspec
def mt_session_start(modality: str, command: str) -> None:
    """A command ("embed", "train", "evaluate", "predict", …) begins its work."""


@hookspec
def mt_session_finish(modality: str, command: str, error: BaseException | None) -> None:
    """A command has ended, by `error` or, where that is None, by having done its work."""


@hookspec
def mt_step_end(modality: str, step: int, loss: float) -> None:
    """One step of training is done: `step` counts from 1, `loss` is that of its batch."""


@hookspec
def mt_doctor_lines() -> list[str]:
    """Lines for `mt doctor`: what the plugin finds worth knowing about this machine."""


@hookspec
def mt_register_encoders() -> dict[str, Callable[[], Encoder]]:
    """Encoders by the name that the user types, each made when it is asked for."""
