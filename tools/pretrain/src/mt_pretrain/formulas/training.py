"""A pretraining run on drawn pictures, and its folder.

runs/p/
  pretrain.json         the recipe, what it is scored on, how far it is
  progress.jsonl        a line every 50 steps, and one for each time it was scored
  encoder.safetensors   the moving average of the weights, float16, for mt_core.load_encoder; config.json beside it
  sheet.png             what is drawn
  report.html           the same with plots
  checkpoint.ckpt       what an interrupted run goes on from; gone when it is complete
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mt_core.data.precision import check_precision
from mt_core.encoder import Encoder, load_encoder
from mt_core.errors import OptionError, RunError
from mt_core.training.checkpoints import check_checkpoint
from mt_core.training.ranks import Ranks, ranks_of, settled
from mt_core.training.records import check_same, read_json, versions, write_json
from mt_core.training.steps import check_minutes, device_of, prepare_folder, run_steps
from mt_pretrain.formulas.callback import CHECKPOINT, PROGRESS, PretrainCallback
from mt_pretrain.formulas.module import FormulaModule
from mt_pretrain.formulas.recipe import PretrainRecipe
from mt_pretrain.formulas.report import write_report, write_sheet
from mt_pretrain.formulas.scoring import Pictures, open_pictures
from mt_pretrain.vit import ENCODER, vit_of

RECORD, FORMAT = "pretrain.json", 1

FREE = ("devices", "num_nodes")
"""Settings that do not decide the result."""


@dataclass(frozen=True)
class PretrainResult:
    """What pretraining gave.

    Attributes:
        folder: The run folder.
        encoder: The file for `mt_core.load_encoder`.
        step: How many steps are done.
        is_complete: Whether that is the whole schedule.
        rows: The lines of `progress.jsonl`.
    """

    folder: Path
    encoder: Path
    step: int
    is_complete: bool
    rows: list[dict[str, Any]] = field(repr=False)


def pretrain(
    out: str | Path,
    settings: Mapping[str, Any] | None = None,
    *,
    encoder: str | Path | None = None,
    score: Sequence[str | Path] = (),
    minutes: float | None = None,
    resume: bool = False,
    device: str | None = None,
    show_progress: bool = False,
) -> PretrainResult:
    """Pretrain an encoder on pictures drawn from formulas.

    Ctrl-C and SIGTERM, like the end of `minutes`, stop it after the step at hand, with a checkpoint; a run that goes
    on with `resume` becomes, bit for bit, what it would have become without the interruption (on the same machine, with
    as many processes). Of several processes, with `devices` and `num_nodes`, each makes this call.

    Args:
        out: The run folder.
        settings: Fields of `PretrainRecipe`; when resumed, those that are given must be the run's own, but for
            `devices` and `num_nodes`.
        encoder: Train this one further, a plain ViT of the recipe's architecture; None: begin with random weights.
        score: Folders of labelled pictures that are only scored on; see `open_pictures`.
        minutes: Stop after so long. The schedule is in steps and does not change.
        resume: Go on with the run in `out`; one that is complete is given as it is.
        device: "cpu", "cuda", …; None: a GPU where there is one.

    Raises:
        OptionError: a setting that does not fit.
        EncoderError: an architecture that is no plain ViT, or an encoder that cannot be loaded.
        RunError: a run folder that is in the way, or cannot be resumed.
        MtError: pictures to score on that cannot be read.
    """
    folder = Path(out)
    check_minutes(minutes)
    record = _read_record(folder) if resume else None
    recipe, score = _plan(folder, record, settled(dict(settings or {})), score)
    ranks = _ranks(recipe)
    if record is not None and encoder is not None:
        check_same(folder, record, {"start": _start(encoder)[1]})
    if record is not None and record["status"] == "complete":
        return PretrainResult(folder, folder / ENCODER, recipe.steps, True, _read_rows(folder))
    device_used = device_of(device)
    check_precision(recipe.precision, device_used)
    checkpoint = folder / CHECKPOINT if resume and (folder / CHECKPOINT).is_file() else None
    # of a run that was killed before its first checkpoint nothing is known but what it began with
    begun = encoder if record is None else record["start"] and record["start"]["encoder"]
    start, described = (None, record and record["start"]) if checkpoint or begun is None else _start(begun)
    if record is not None:
        check_same(folder, record, {"start": described})
    module = FormulaModule(recipe, None if start is None else vit_of(start, recipe.architecture, recipe.depth), ranks)
    if checkpoint is not None:
        checkpoint = check_checkpoint(checkpoint, module.state_dict())
    file = folder / ENCODER
    if not ranks.is_first:
        callback = PretrainCallback(folder, recipe, (), minutes=minutes)
        step = run_steps(module, callback, device_used, checkpoint, ranks=ranks)
        return PretrainResult(folder, file, step, step == recipe.steps, callback.rows)
    pictures = open_pictures(score, recipe.size, recipe.score_modality)
    record = {**_describe(recipe, score, pictures, device_used, record), "start": described}
    if not resume:
        prepare_folder(folder, RECORD)
    write_json(folder / RECORD, record)
    sheet = write_sheet(folder, recipe)
    callback = PretrainCallback(folder, recipe, pictures, minutes=minutes, show=show_progress)
    step = run_steps(module, callback, device_used, checkpoint, ranks=ranks)
    is_complete = step == recipe.steps
    finished = {
        **record,
        "status": "complete" if is_complete else "training",
        "step": step,
        "seconds": round(callback.seconds, 2),
        "encoder": {"file": ENCODER, "fingerprint": load_encoder(file).fingerprint},
    }
    write_json(folder / RECORD, finished)
    write_report(folder, finished, callback.rows, sheet)
    if is_complete:
        (folder / CHECKPOINT).unlink()
    if callback.is_interrupted and not is_complete:
        raise KeyboardInterrupt(f"stopped at step {step} of {recipe.steps}; go on with --resume ({folder})")
    return PretrainResult(folder, file, step, is_complete, callback.rows)


def _read_record(folder: Path) -> dict[str, Any]:
    absent = RunError(
        f"{folder} holds no run on drawn pictures (there is no {RECORD} in it)",
        fix="begin it without --resume; one on pairs goes on with --pairs",
    )
    return read_json(folder / RECORD, FORMAT, absent=absent, check=_check_record)


def _check_record(record: Mapping[str, Any]) -> None:
    PretrainRecipe.parse(record["recipe"])
    record["status"], record["step"], record["seconds"], record["start"], list(record["score"])


def _read_rows(folder: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in (folder / PROGRESS).read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise RunError(f"{folder / PROGRESS} cannot be read ({error})", fix="copy the run again") from None


def _describe(
    recipe: PretrainRecipe,
    score: Sequence[str | Path],
    pictures: Sequence[Pictures],
    device: torch.device,
    earlier: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What a run says of itself while it trains."""
    return {
        "format": FORMAT,
        "status": "training",
        "step": earlier["step"] if earlier is not None else 0,
        "seconds": earlier["seconds"] if earlier is not None else 0.0,
        "recipe": recipe.model_dump(mode="json"),
        "score": _resolved(score),
        "scored_on": {one.name: one.source for one in pictures},
        "device": str(device),
        "threads": torch.get_num_threads(),
        "versions": versions("mt-pretrain"),
    }


def _plan(
    folder: Path, record: Mapping[str, Any] | None, settings: Mapping[str, Any], score: Sequence[str | Path]
) -> tuple[PretrainRecipe, Sequence[str | Path]]:
    """The recipe and what is scored on: as given, or the run's own, with which all that is given must agree."""
    if record is None:
        return PretrainRecipe.parse(settings), score
    recipe = PretrainRecipe.parse({**record["recipe"], "devices": 1, "num_nodes": 1, **settings})
    check_same(folder, record["recipe"], recipe.model_dump(mode="json", exclude=set(FREE)))
    if score:
        check_same(folder, record, {"score": _resolved(score)})
    return recipe, record["score"]


def _ranks(recipe: PretrainRecipe) -> Ranks:
    """This process of those that learn together, each from at least one picture of a step."""
    count = recipe.devices * recipe.num_nodes
    if recipe.batch_size < count:
        raise OptionError(
            f"batch_size={recipe.batch_size} has no picture for some of {count} processes",
            fix="raise batch_size, or ask for fewer devices",
        )
    return ranks_of(recipe)


def _start(encoder: str | Path) -> tuple[Encoder, dict[str, str]]:
    loaded = load_encoder(str(encoder))
    return loaded, {"encoder": loaded.name, "fingerprint": loaded.fingerprint}


def _resolved(folders: Sequence[str | Path]) -> list[str]:
    return [str(Path(one).resolve()) for one in folders]
