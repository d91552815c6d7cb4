"""Bring several modalities into one space, and the folder that this leaves.

runs/a/
  align.json           the recipe, the data, the space, the recall after each evaluation, the learned temperature
  photo/, caption/     a run of each input: run.json and weights.safetensors, for load_run and mt embed
  metrics.csv          a line every 10 steps
  report.html          the same with plots
  notices.jsonl, errors.jsonl   what was left out of the data or reinterpreted, and what could not be read
  checkpoint.ckpt      what an interrupted run goes on from; gone when it is complete
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mt_core.data.precision import check_precision
from mt_core.encoder import Encoder, load_encoder
from mt_core.errors import OptionError, RunError, did_you_mean
from mt_core.io.notice_files import read_notices, write_notices
from mt_core.io.notices import Notices, collecting, relay
from mt_core.training.lora import check_peft
from mt_core.training.ranks import check_several, ranks_of, settled
from mt_core.training.records import check_same, read_json
from mt_core.training.run_record import FORMAT, NOTICES
from mt_core.training.steps import check_minutes, device_of
from mt_fusion.aligning.data import open_pairs
from mt_fusion.aligning.recipe import FREE, AlignRecipe
from mt_fusion.aligning.run import ALIGN, AlignResult, Run, result_of


def align(
    data: str | Path,
    inputs: str | Mapping[str, Any],
    out: str | Path,
    settings: Mapping[str, Any] | None = None,
    *,
    val: str | Path | None = None,
    groups: str | None = None,
    anchor: str | Path | None = None,
    key: str | None = None,
    encoder: str | Path | Encoder | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    minutes: float | None = None,
    resume: bool = False,
    overwrite: bool = False,
    device: str | None = None,
    strict: bool = False,
    show_progress: bool = False,
) -> AlignResult:
    """Train one space for several modalities: samples of one row are near, samples of different rows are not.

    Each input has its tokenizer, the shared frozen encoder, and a projection to vectors of length 1. Ctrl-C and
    SIGTERM, like the end of `minutes`, stop it after the step at hand, with a checkpoint; a run that goes on with
    `resume` becomes, bit for bit, what it would have become without the interruption (on the same machine).

    With `devices` in the settings each process makes this call, as torchrun starts it: it encodes its part of the rows
    of a step, and the loss holds the samples of all processes against each other.

    Args:
        data: A table (.csv, .tsv, .jsonl, .parquet) or a folder of items. A row may lack inputs: each two inputs learn
            from the rows that have both.
        inputs: "photo=image,caption=text", or a mapping of names to modalities.
        out: The folder; each input gets a run in it, by its name.
        settings: Fields of `AlignRecipe`; when resumed, those that are given must be the run's own.
        val: Rows that are held out; None: the data's own part for it, else a share of the rows, so that a photo or
            a caption is on one side alone.
        groups: A column; rows of the same value are held out together.
        anchor: A file of `mt embed`: the inputs are bound to its vectors, which stay as they are.
        key: The column that names the anchor's sources, or numbers of its rows; None: the one whose cells do.
        encoder: As for `mt_core.load`; it stays as it is.
        options: The tokenizers' by input.
        minutes: Stop after so long. The schedule is in steps and does not change.
        resume: Go on with the run in `out`; one that is complete is given as it is.
        overwrite: Replace the run in `out`.
        device: "cpu", "cuda", …; None: a GPU where there is one.
        strict: Whether it is an error where something is left out of the data or reinterpreted.

    Raises:
        PluginError: a modality's plugin is not here.
        DatasetError: nothing to learn from.
        OptionError: an option that does not fit.
        RunError: a folder that is in the way or cannot be resumed, or vectors that have become the same.
        FingerprintError: the frozen encoder is not, byte for byte, what it was before.
    """
    folder, root = Path(out), Path(data)
    check_minutes(minutes)
    record = _read(folder) if resume else None
    recipe = _choose_recipe(folder, record, settled(dict(settings or {})))
    ranks = ranks_of(recipe)
    check_several(ranks.count, recipe.tune, recipe.precision)
    if ranks.is_first:
        check_folder(folder, resume=resume, overwrite=overwrite)
    if record is not None and record["status"] == "complete":
        return result_of(folder, record)
    if recipe.tune == "lora":
        check_peft()
    used = device_of(device)
    check_precision(recipe.precision, used)
    notices = Notices(read_notices(folder / NOTICES) if resume else (), strict=strict, default=str(root))
    with collecting(notices):
        notices.check()  # those of the run that is resumed
        opened = open_pairs(
            root,
            inputs,
            recipe,
            val=Path(val) if val is not None else None,
            groups=groups,
            anchor=Path(anchor) if anchor is not None else None,
            key=key,
        )
        notices.check()
        _check_options(options or {}, opened.inputs)
        ready = encoder if isinstance(encoder, Encoder) else load_encoder(encoder)
        run = Run(folder, opened, recipe, ready, options or {}, used)
        try:
            result = run.go(record, notices, minutes=minutes, overwrite=overwrite, show_progress=show_progress)
        finally:
            if ranks.is_first and folder.is_dir():
                write_notices(folder / NOTICES, notices, RunError)
    relay(list(notices))
    return replace(result, notices=tuple(notices))


def check_folder(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse a folder that a run cannot be written to, before anything is read.

    Raises:
        RunError: it holds a run that is neither resumed nor overwritten, other things than a run, or nothing to resume.
    """
    if resume:
        _read(folder)
    elif folder.is_file():
        raise RunError(f"{folder} is a file", fix="choose another --out")
    elif folder.exists() and any(folder.iterdir()):
        if not (folder / ALIGN).is_file():
            raise RunError(f"{folder} is not empty and holds no run of mt align", fix="choose another --out")
        if not overwrite:
            raise RunError(
                f"{folder} holds a run already",
                fix="choose another --out, --resume it if it was interrupted, or --overwrite it",
            )


def read_aligned(folder: Path) -> dict[str, Any]:
    """What `align.json` says of a run that has ended.

    Raises:
        RunError: no run of mt align, or one that was interrupted before it had weights.
    """
    record = _read(folder)
    if "space" not in record:
        raise RunError(
            f"the run in {folder} has no weights yet ({record['status']})",
            fix="go on with it: the same mt align command with --resume",
        )
    return record


def _read(folder: Path) -> dict[str, Any]:
    absent = RunError(
        f"{folder} holds no run of mt align (there is no {ALIGN} in it)",
        fix="name the folder that mt align was given as --out",
    )
    record = read_json(folder / ALIGN, FORMAT, absent=absent, check=lambda found: (found["status"], found["recipe"]))
    if record["status"] == "collapsed":
        raise RunError(
            f"the run in {folder} ended because its vectors became the same", fix="begin it again by --overwrite"
        )
    return record


def _choose_recipe(folder: Path, record: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> AlignRecipe:
    if record is None:
        return AlignRecipe.parse(settings).settled()
    recipe = AlignRecipe.parse({**record["recipe"], "devices": 1, "num_nodes": 1, **settings}).settled()
    check_same(folder, _deciding(record["recipe"]), _deciding(recipe.model_dump(mode="json")))
    return recipe


def _deciding(recipe: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in recipe.items() if name not in FREE}


def _check_options(options: Mapping[str, Mapping[str, Any]], inputs: Mapping[str, Any]) -> None:
    for name in options:
        if name not in inputs:
            raise OptionError(
                f"options of {name!r}, which is no input{did_you_mean(name, list(inputs))}",
                fix=f"the inputs are {', '.join(inputs)}",
            )
