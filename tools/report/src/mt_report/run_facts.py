"""What a run folder says of itself, for a report and for a comparison."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mt_core.errors import RunError
from mt_core.plugins import get
from mt_core.training import Recipe
from mt_core.training.comparison import Comparison, read_comparison
from mt_core.training.run_record import RUN, read_history, read_record

_FLAGS = {"tune": "--tune", "epochs": "--epochs", "batch_size": "--batch-size", "lr": "--lr", "seed": "--seed"}
_FREE = ("num_workers", "seconds_a_sample", "head")


@dataclass(frozen=True)
class RunFacts:
    """A run's record, the rows of its training, and its controls where they were measured."""

    folder: Path
    record: Mapping[str, Any]
    history: list[dict[str, float]]
    controls: Comparison | None

    @property
    def task_kind(self) -> str:
        return str(self.record["task"]["kind"]) if self.record.get("task") else ""

    @property
    def title(self) -> str:
        return f"{self.record['modality']} on {self.record['data']['source'].partition(', ')[0]}"

    def command(self) -> str:
        """A command line with the run's settings, those that are the modality's defaults left out."""
        record, recipe = self.record, dict(self.record["recipe"])
        words = ["mt", "train", record["modality"], "--data", str(record["data"].get("root") or "DATA")]
        words += ["--encoder", record["encoder"]["name"]]
        if layers := record["encoder"].get("layers"):
            words += ["--layers", ",".join(map(str, layers))]
        if budget := record["encoder"].get("token_budget"):
            words += ["--token-budget", budget]
        plugin = get(record["modality"])
        defaults = Recipe.over(plugin.manifest.recipe, {}).model_dump(mode="json")
        for name, value in recipe.items():
            if name in _FREE or value == defaults.get(name):
                continue
            said = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            words += [_FLAGS[name], said] if name in _FLAGS else ["-S", f"{name}={said}"]
        for name, value in (recipe.get("head") or {}).items():
            if value != defaults["head"].get(name):
                words += ["-H", f"{name}={value}"]
        of_data = record["data"].get("options") or {}
        own = {name: value for name, value in record["tokenizer"]["options"].items() if name not in of_data}
        words += _options("-O", plugin.tokenizer.Options, own)  # what both have is given once
        words += _options("-D", plugin.dataset.Options, of_data)
        return shlex.join([*words, "--out", "runs/again"])


def _options(flag: str, options: Any, given: Mapping[str, Any]) -> list[str]:
    defaults = {name: info.get_default(call_default_factory=True) for name, info in options.model_fields.items()}
    words = []
    for name, value in given.items():
        default = defaults.get(name)
        same = value == default or (isinstance(value, list) and tuple(value) == default)
        if not same and value is not None:
            words += [flag, f"{name}={_as_word(value)}"]
    return words


def _as_word(value: Any) -> str:
    """An option's value as a command line takes it."""
    if isinstance(value, list) and not any(isinstance(each, list | dict) for each in value):
        return ",".join(map(str, value))
    return json.dumps(value) if isinstance(value, list | dict) else str(value)


def read_run(folder: str | Path) -> RunFacts:
    """What a run folder says.

    Raises:
        RunError: no run, one whose record cannot be read, one without labels, one of mt align, or one that has not
            ended its first epoch.
    """
    folder = Path(folder)
    record = read_record(folder)
    if record.get("head") is None:
        raise RunError(
            f"the run in {folder} was adapted without labels, so it predicts nothing that could be measured",
            fix="train one that starts from it: mt train --from, or name a run of mt train",
        )
    if (record.get("task") or {}).get("kind") == "alignment":
        raise RunError(
            f"the run in {folder} aligns several inputs", fix=f"see its own report: {folder / 'report.html'}"
        )
    try:
        if not record.get("val_metrics"):
            raise RunError(
                f"the run in {folder} has no metrics yet: it was interrupted, or is still training",
                fix="go on with it: the same mt train command with --resume",
            )
        facts = RunFacts(folder, record, read_history(folder), read_comparison(folder))
        for key in ("modality", "data", "encoder", "parameters", "recipe", "versions", "task"):
            record[key]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise RunError(
            f"{folder / RUN} cannot be understood ({type(error).__name__}: {error})", fix="train the run again"
        ) from error
    return facts
