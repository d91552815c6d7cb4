# mypy: disable-error-code="empty-body"
"""The places where a plugin can act around the core's own work. Each is called once a batch or more seldom.

A plugin names a module of implementations in its manifest (`hooks = "mt_plugin_x.hooks"`):

    from mt_core.hooks import hookimpl

    @hookimpl(wrapper=True)
    def mt_encode(modality, tokens):
        started = time.perf_counter()
        features = yield
        print(modality, tokens.num_samples / (time.perf_counter() - started), "samples a second")
        return features

The module is imported when its modality is first used: hooks of a plugin that was not asked for never fire. Those of a
plugin in use fire for every modality, whose name is the argument `modality`. An implementation takes those of the
arguments that it needs, by name. All are called in the process that the user started, never in a worker process.

`mt_tokenize`, `mt_encode` and `mt_predict` have one answer (firstresult): the core's own, as plugins wrap it. Of
several wrappers that of the modality first used is innermost; `hookimpl(wrapper=True, tryfirst=True)` moves one out,
`trylast=True` in. An error in one of them ends the work with a `PluginError` that names the plugin, and so does an
answer of another type. What the core's part itself raises passes through, and may be caught by a wrapper.

The others are answered by every plugin that likes, in the order in which their modalities were first used. An error in
one of them, or an answer of another type, is logged once as a warning that names the plugin, and the work goes on
without it. No hook stops a Ctrl-C.
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
    """One batch to tokens: the core gives `tokenizer(batch)`, plugins wrap it.

    Called once a batch, in training, evaluation, embedding and prediction; with `tune="probe"` once a batch before the
    first epoch. A wrapper may give other `Tokens`; `batch` it leaves as it is.
    """


@hookspec(firstresult=True)
def mt_encode(modality: str, encoder: Encoder, tokens: Tokens) -> Features:
    """One batch through the frozen encoder: the core gives `encoder(tokens)`, plugins wrap it.

    Called right after `mt_tokenize`. A wrapper may give other `Features`. The encoder's weights are not to be touched:
    training ends with a `FingerprintError` if they were.
    """


@hookspec(firstresult=True)
def mt_predict(modality: str, head: Head, features: Features) -> Tensor:
    """One batch to the head's unnormalised scores: the core gives `head(features)`, plugins wrap it.

    Called right after `mt_encode` wherever there is a head; not in embedding, and not with `tune="probe"`, whose head
    learns from pooled vectors. A wrapper may give other scores of the same shape.
    """


@hookspec
def mt_metrics(modality: str, task: AnyTask) -> dict[str, Metric]:
    """More metrics for this task, new ones at each call, beside those of the head; updated as the head's are.

    Called once a pass over validation or evaluation data. They are given the pairs that the head's metrics are given
    (`Head.metric_inputs`), and each is one number in the run's metrics and the evaluation's. A name that the head or
    another plugin has already is an error of the plugin; a metric that fails in the middle is NaN.
    """


@hookspec
def mt_session_start(modality: str, command: str) -> None:
    """A piece of work begins: `command` is "train", "evaluate", "embed" or "predict", from Python as from `mt`.

    Called once, after the arguments were checked and before the first batch. There is nothing to change.
    """


@hookspec
def mt_session_finish(modality: str, command: str, error: BaseException | None) -> None:
    """That work has ended, by `error` or, where that is None, by being done.

    Called once for each `mt_session_start`; `error` is a `KeyboardInterrupt` where the user ended it. There is nothing
    to change: `error` goes on to the user.
    """


@hookspec
def mt_step_end(modality: str, step: int, loss: float) -> None:
    """One step of training is done: `step` counts from 1, `loss` is that of its batch.

    Called once a step, after the weights were changed. A resumed run goes on counting at the checkpoint that it resumes
    from. There is nothing to change.
    """


@hookspec
def mt_doctor_lines() -> list[str]:
    """Lines for `mt doctor`: what the plugin finds worth knowing about this machine.

    Called once, after all plugins that are not disabled were imported.
    """


@hookspec
def mt_register_encoders() -> dict[str, Callable[[], Encoder]]:
    """Encoders by the name that the user types, each made when it is asked for.

    Called once, when a modality of the plugin is first used, as by `mt.load("sonar", encoder="lab/sonar-small")`. What
    is made must be an `Encoder`, or the work ends with a `PluginError`. The core's own names (`random/…`, `none/…`,
    `timm/…`, a file) come first; a name that another plugin in use has already is an error.
    """
