"""What the sections of a report are about."""

from __future__ import annotations

from dataclasses import dataclass

from mt_core.contract import AnyTask, Head
from mt_core.model import MetaTransformer
from mt_report.part import Part
from mt_report.predictions import Predictions
from mt_report.run_facts import RunFacts
from mt_report.samples import Gallery

CARDS = 8
"""Samples that are shown of a kind."""


@dataclass(frozen=True)
class Subject:
    """A run with its predictions for a part of the data.

    Attributes:
        head: A copy of the model's that computes where the predictions are, on the CPU.
    """

    facts: RunFacts
    model: MetaTransformer
    head: Head
    part: Part
    predictions: Predictions
    gallery: Gallery

    @property
    def task(self) -> AnyTask:
        return self.head.task
