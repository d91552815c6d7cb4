"""Losses and metrics of each epoch."""

from __future__ import annotations

from mt_core.training.curves import curves, measured_names
from mt_report.page import Page
from mt_report.run_facts import RunFacts


def add_curves(page: Page, facts: RunFacts) -> None:
    """Charts of a training of several epochs; a line where there is nothing to be drawn."""
    page.section("Training")
    history = facts.history
    if len(history) < 2 or not measured_names(history):
        tuned = facts.record["recipe"].get("tune", "")
        one = "one epoch" if history else "no epochs"
        page.note(f"There is no curve: the training has {one}" + (f" (tune={tuned})." if tuned else "."))
        return
    page.charts(curves(history, facts.record.get("kept_epoch")))
