"""Samples to batches to vectors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mt_core.contract import Example, Features, name_of
from mt_core.data.precision import Precision, check_precision
from mt_core.data.sources import Read, raw_samples
from mt_core.encoder.backend_names import BACKENDS
from mt_core.errors import DataWarning, InputError, MtError
from mt_core.io.notices import Notices, collecting, relay
from mt_core.model import MetaTransformer, seeded
from mt_core.plugins import get

SAMPLES_TO_CALIBRATE = 20_000


@dataclass(frozen=True)
class SampleRef:
    """Where a sample comes from: the index of its source, and its row within it."""

    source: int
    row: int


@dataclass
class SampleBatch:
    """A batch on its way: samples, where they come from, and what could not be read between them.

    Attributes:
        notices: The index of a source, and what was left out of it or reinterpreted, up to the last of these samples.
        next: Source and row that reading goes on from after this batch.
    """

    items: list[dict[str, Tensor]] = field(default_factory=list)
    places: list[SampleRef] = field(default_factory=list)
    failed: list[tuple[int, MtError]] = field(default_factory=list)
    notices: list[tuple[int, DataWarning]] = field(default_factory=list)
    next: tuple[int, int] = (0, 0)


def gather(reads: Iterable[Read], batch_size: int) -> Iterator[SampleBatch]:
    """Samples in order, `batch_size` at a time; the last batch may be smaller, or hold failures alone.

    How samples fall into batches depends on their order alone, so that work which is interrupted between two batches
    goes on with the very batches that it would have had.
    """
    batch = SampleBatch()
    for read in reads:
        # before the samples that they are of, or with them: resumed work has them again, or has them already
        batch.notices += [(read.source, notice) for notice in read.notices]
        for offset, item in enumerate(read.items):
            row = read.row + offset
            batch.items.append(item)
            batch.places.append(SampleRef(read.source, row))
            if len(batch.items) == batch_size:
                batch.next = (read.source, row + 1)
                yield batch
                batch = SampleBatch()
        if read.error is not None:
            batch.failed.append((read.source, read.error))
        if read.is_last:
            batch.next = (read.source + 1, 0)
    if batch.items or batch.failed or batch.notices:
        yield batch


def encoding(model: MetaTransformer, precision: Precision) -> AbstractContextManager[object]:
    """Evaluation mode, no gradients, and a precision as `resolve_precision` gave it.

    Args:
        model: As `with_precision` gave it.
    """
    check_precision(precision, model.device)
    assert precision not in BACKENDS or model.encoder.runner is not None or not model.encoder.depth
    if _is_training(model):  # to look takes a tenth of the time of `eval`
        model.eval()
    return computing(model.device, precision)


def computing(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """The same of a model in evaluation mode, whose precision was checked."""
    stack = ExitStack()
    stack.enter_context(torch.inference_mode())
    stack.enter_context(torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"))
    return stack


def _is_training(model: nn.Module) -> bool:
    """Whether any part is in training mode. `Module.modules` would take four times as long, with every batch."""
    left: list[nn.Module | None] = [model]
    for module in left:
        if module is not None:
            if module.training:
                return True
            left += module._modules.values()
    return False


def features_of(model: MetaTransformer, items: Sequence[dict[str, Tensor]]) -> Features:
    """Features of prepared samples."""
    with torch.autocast("cpu", enabled=False):  # a batch is put together as a worker process would
        inputs = model.tokenizer.collate(items)
    return model.encode({name: tensor.to(model.device) for name, tensor in inputs.items()})


def ensure_calibrated(
    model: MetaTransformer,
    sources: Sequence[object],
    num_workers: int = 0,
    recorded: Mapping[str, Any] | None = None,
) -> dict[str, Any] | None:
    """Calibrate a tokenizer that cannot work without on the sources themselves: on their first samples.

    Args:
        recorded: What an earlier call gave; a tokenizer of the same options and weights takes that calibration.

    Returns:
        What was calibrated and on what, as JSON can hold it; None where nothing was.

    Raises:
        InputError: no source that can be read.
    """
    tokenizer = model.tokenizer
    if "needs_calibration" not in get(model.modality).manifest.capabilities or tokenizer.calibration():
        return None
    uncalibrated = model.tokenizer_fingerprint()
    if recorded is not None and recorded["uncalibrated"] == uncalibrated:
        with seeded(model.seed):
            tokenizer.restore(recorded["calibration"])
        record = dict(recorded)
    else:
        on = _calibrate(model, sources, num_workers)
        calibration = tokenizer.calibration()
        with seeded(model.seed):  # as whoever adds to these vectors will
            tokenizer.restore(calibration)
        record = {"on": on, "calibration": calibration, "uncalibrated": uncalibrated}
    tokenizer.to(model.device)
    digest = hashlib.sha256(json.dumps(record["calibration"], sort_keys=True).encode()).hexdigest()[:8]
    model.provenance = f"{model.provenance}, calibrated on {record['on']} (calibration {digest})"
    return record


def _calibrate(model: MetaTransformer, sources: Sequence[object], num_workers: int) -> str:
    """Calibrate on the first samples; says on which."""
    examples: list[Example] = []
    used: list[str] = []
    refused: MtError | None = None
    for read in raw_samples(model.tokenizer, sources, num_workers):
        found = [Example(sample) for sample in read.items[: SAMPLES_TO_CALIBRATE - len(examples)]]
        examples += found
        name = name_of(sources[read.source])
        if found and name not in used[-1:]:
            used.append(name)
        refused = refused or read.error
        if len(examples) == SAMPLES_TO_CALIBRATE:
            break
    if not examples:
        raise refused or InputError("there is nothing to read", fix="name at least one source")
    name = used[0] + (f" and {len(used) - 1} more" if len(used) > 1 else "")
    notices = Notices(default=name)
    with collecting(notices), seeded(model.seed):
        model.tokenizer.calibrate(examples)
    relay(list(notices))
    return f"{len(examples):,} samples of {name}"
