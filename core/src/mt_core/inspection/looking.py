"""The first samples of some files: what was read of each, and what the encoder sees of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from torch import Tensor

from mt_core.contract import Panel, name_of
from mt_core.data.batches import encoding, ensure_calibrated
from mt_core.data.reading import as_input_error, with_source
from mt_core.data.sources import raw_samples
from mt_core.embedding.sample_pictures import SampleViewer, Seen
from mt_core.embedding.shown import Drawn, draw_sample
from mt_core.errors import DataWarning, MtError
from mt_core.inspection.facts import Fact, facts_of, facts_of_file
from mt_core.model import MetaTransformer


@dataclass(frozen=True)
class Looked:
    """One sample of a file, or why there is none.

    Attributes:
        source: How the file is called.
        row: The number of the sample in it.
        facts: What was read, by the name of what it is of.
        sample: What was read.
        panels: The sample in its own terms.
        units: Of the axes of the panels, where they are known.
        drawn: What the encoder sees; None where it cannot be read or used.
        seen: What people see of it.
        notices: What was left out of the file or reinterpreted, up to this sample.
        error: Why it cannot be read or used.
        uncalibrated: Why the tokenizer cannot be calibrated on these files, where they are too few for it.
    """

    source: str
    row: int
    facts: Mapping[str, Fact]
    sample: Any = None
    panels: tuple[Panel, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    drawn: Drawn | None = None
    seen: Seen | None = None
    notices: tuple[DataWarning, ...] = ()
    error: MtError | None = None
    uncalibrated: MtError | None = None


def look_at(model: MetaTransformer, sources: Sequence[Any], max_samples: int) -> list[Looked]:
    """The first samples of some sources, each source's in turn."""
    refused = None
    try:
        ensure_calibrated(model, sources)
    except MtError as error:
        refused = error
    look = _Look(model, SampleViewer(model), refused)
    return list(islice(_looked(look, sources, max_samples), max_samples))


@dataclass(frozen=True)
class _Look:
    """How samples are looked at."""

    model: MetaTransformer
    viewer: SampleViewer
    uncalibrated: MtError | None


def _looked(look: _Look, sources: Sequence[Any], most: int) -> Iterator[Looked]:
    for read in raw_samples(look.model.tokenizer, sources, 0):
        name = name_of(sources[read.source])
        notices = tuple(read.notices)
        for offset, sample in enumerate(read.items[:most]):
            of_file = {} if read.row + offset else facts_of_file(look.model.tokenizer, sources[read.source])
            yield _look(look, sample, name, read.row + offset, notices, of_file)
            notices = ()
        if read.error is not None:
            yield Looked(name, read.row + len(read.items), {}, notices=notices, error=with_source(read.error, name))


def _look(
    look: _Look, sample: Any, name: str, row: int, notices: tuple[DataWarning, ...], of_file: Mapping[str, Fact]
) -> Looked:
    model = look.model
    facts = {**of_file, **facts_of(sample)}
    if look.uncalibrated is not None:
        return Looked(name, row, facts, sample, notices=notices, uncalibrated=look.uncalibrated)
    try:
        item = model.tokenizer.prepare(sample)
        panels, units = _panels(model, sample, item)
        drawn, seen = draw_sample(model, item), look.viewer.see(sample)
        return Looked(name, row, facts, sample, panels, units, drawn, seen, notices)
    except MtError as error:
        return Looked(name, row, facts, notices=notices, error=with_source(error, name))
    except Exception as error:
        return Looked(name, row, facts, notices=notices, error=as_input_error(error, name, model.tokenizer))


def _panels(
    model: MetaTransformer, sample: Any, item: Mapping[str, Tensor]
) -> tuple[tuple[Panel, ...], dict[str, str]]:
    """None where a plugin cannot say what its tokens are of, which is no reason to show nothing else."""
    try:
        with encoding(model, "32"):
            batch = {name: tensor.to(model.device) for name, tensor in model.tokenizer.collate([item]).items()}
            found = model.tokenizer.regions(sample, batch, model.tokenizer(batch))
    except Exception:
        return (), {}
    units = {span.axis: span.unit for region in found.regions for span in region.spans if span.unit}
    return tuple(found.panels), units
