"""A run as one HTML file."""

from __future__ import annotations

import time
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from mt_core import load_run
from mt_core.errors import OptionError, RunError
from mt_core.model import MetaTransformer
from mt_report.page import Page
from mt_report.part import open_part
from mt_report.predictions import predict_as_trained
from mt_report.run_facts import RunFacts, read_run
from mt_report.samples import SIDES, Gallery
from mt_report.sections.classification import add_classification
from mt_report.sections.detection import add_detection
from mt_report.sections.forecasting import add_forecasting
from mt_report.sections.headline import add_headline, add_recorded
from mt_report.sections.multilabel import add_multilabel
from mt_report.sections.provenance import add_provenance
from mt_report.sections.regression import add_regression
from mt_report.sections.retrieval import add_retrieval
from mt_report.sections.segmentation import add_segmentation
from mt_report.sections.training_curves import add_curves
from mt_report.sections.vector_map import MapBy, add_map
from mt_report.subject import Subject
from mt_report.text import number
from mt_report.writing import write_file

MOST_BYTES = 5_000_000
"""That a report has at the most."""

DEFAULT_NAME = "full-report.html"

_SECTIONS = {
    "classification": add_classification,
    "multilabel": add_multilabel,
    "regression": add_regression,
    "forecasting": add_forecasting,
    "segmentation": add_segmentation,
    "detection": add_detection,
    "retrieval": add_retrieval,
}


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes:
        file: It.
        bytes: Its size.
        headline: The run's metric in one line.
        seconds: How long it took.
        missing: Why predictions are not shown; "" where they are.
    """

    file: Path
    bytes: int
    headline: str
    seconds: float
    missing: str = ""


def write_report(
    run: str | Path | MetaTransformer,
    out: str | Path | None = None,
    *,
    data: str | Path | None = None,
    split: str | None = None,
    map_by: MapBy = "pca",
    encoder: str | Path | None = None,
    device: str | None = None,
    num_workers: int | None = None,
    show_progress: bool = False,
) -> Report:
    """Measure a run on its own test or validation part and write what came of it as one HTML file.

    Args:
        run: A folder of `fit` or `mt train`, or the model that `fit` trained in this process, whose data are in memory.
        out: The file; None: `full-report.html` in the run's folder.
        data: Other labelled data to report on; None: those of the training.
        split: Of the data: "val", "test", …; None: what was held out for a test, else what selected the epoch.
        map_by: How the map of vectors is made.
        encoder, device: As for `mt_core.load_run`.
        num_workers: As for `mt_core.evaluate`.

    Raises:
        RunError: no run, or one that has no metrics yet.
        MtError: data that were named and cannot be read, or a missing plugin.
        MissingDependencyError: UMAP is asked for and not installed.
        ReportError: the file cannot be written.
    """
    started = time.monotonic()
    facts = read_run(_folder_of(run))
    subject, why = None, ""
    if facts.task_kind not in _SECTIONS:
        why = f"a report shows no predictions of the task {facts.task_kind}."
    if not why:
        try:
            model = run if isinstance(run, MetaTransformer) else load_run(run, encoder=encoder, device=device)
            subject = _measured(facts, model, data, split, num_workers, show_progress)
        except (OptionError, RunError) as error:
            if data is not None or split is not None:
                raise
            why = f"{error.problem}. {error.fix}"
    content = _page(facts, subject, why, map_by).html()
    for side in SIDES[1:]:
        if subject is None or len(content) <= MOST_BYTES:
            break
        subject.gallery.side = side
        content = _page(facts, subject, why, map_by).html()
    file = Path(out) if out is not None else facts.folder / DEFAULT_NAME
    write_file(file, content)
    return Report(file, len(content), _headline(subject, why), time.monotonic() - started, why)


def _page(facts: RunFacts, subject: Subject | None, why: str, map_by: MapBy) -> Page:
    page = Page(facts.title)
    encoder = facts.record["encoder"]
    page.note(f"Encoder: {encoder['description']}, fingerprint {encoder['fingerprint'][:16]}…")
    if subject is None:
        add_recorded(page, facts, why)
        add_curves(page, facts)
    else:
        add_headline(page, subject)
        add_curves(page, facts)
        _SECTIONS[subject.task.kind](page, subject)
        add_map(page, subject, map_by)
    add_provenance(page, facts)
    return page


def _headline(subject: Subject | None, why: str) -> str:
    if subject is None:
        return f"from the record alone: {why}"
    primary = subject.head.primary
    return f"{primary} {number(subject.predictions.metrics[primary])} on {subject.part.title}"


def _folder_of(run: str | Path | MetaTransformer) -> str | Path:
    if not isinstance(run, MetaTransformer):
        return run
    if not run.run:
        raise OptionError(
            "this model has no run folder, which a report is made from", fix="train it with mt.fit(out=…)"
        )
    return run.run


def _measured(
    facts: RunFacts,
    model: MetaTransformer,
    data: str | Path | None,
    split: str | None,
    num_workers: int | None,
    show_progress: bool,
) -> Subject:
    part = open_part(model, data, split)
    predictions = predict_as_trained(model, part, facts, num_workers, show_progress)
    root = str(data) if data is not None else facts.record["data"].get("root")
    head = deepcopy(model.require_head()).cpu().eval()
    return Subject(facts, model, head, part, predictions, Gallery(model, part.dataset, root))
