"""Fit a tokenizer to files without labels, around the frozen encoder, and the run folder that this leaves.

runs/a/
  run.json             the recipe, the data, the versions, how different vectors are before and after; a run of mt-core
  weights.safetensors  the tokenizer, and the adapters of tune=lora; nothing of the frozen encoder
  metrics.csv          a line every 10 steps
  report.html          the same with plots
  notices.jsonl, errors.jsonl   what was left out of the data or reinterpreted, and what could not be read
  checkpoint.ckpt      what an interrupted run goes on from; gone when it is complete
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mt_core as mt
from mt_core.data.dataset_options import options_of_both
from mt_core.data.precision import check_precision
from mt_core.encoder import Encoder
from mt_core.errors import OptionError, RunError
from mt_core.io.notice_files import read_notices
from mt_core.io.notices import Notices, collecting, relay
from mt_core.model import MetaTransformer
from mt_core.plugins import get
from mt_core.training.lora import check_peft
from mt_core.training.ranks import ranks_of, settled
from mt_core.training.records import check_same
from mt_core.training.run_record import NOTICES, check_folder, read_history, read_record
from mt_core.training.steps import check_minutes, device_of
from mt_core.training.variety import Variety
from mt_pretrain.adapting.data import open_unlabelled
from mt_pretrain.adapting.recipe import AdaptRecipe
from mt_pretrain.adapting.run import FREE, AdaptResult, Run


def adapt(
    modality: str,
    data: str | Path,
    out: str | Path,
    settings: Mapping[str, Any] | None = None,
    *,
    encoder: str | Path | Encoder | None = None,
    options: Mapping[str, Any] | None = None,
    data_options: Mapping[str, Any] | None = None,
    minutes: float | None = None,
    resume: bool = False,
    overwrite: bool = False,
    device: str | None = None,
    strict: bool = False,
    show_progress: bool = False,
) -> AdaptResult:
    """Train a modality's tokenizer on samples without labels: two views of a sample shall have the same vector.

    The views are made by the tokenizer's own augmentation, and lack some of their tokens. `mt_core.load_run` gives the
    adapted model; `mt embed` takes the folder, and `mt train --from` starts from it.

    Ctrl-C and SIGTERM, like the end of `minutes`, stop it after the step at hand, with a checkpoint; a run that goes on
    with `resume` becomes, bit for bit, what it would have become without the interruption (on the same machine).

    Args:
        data: A folder of files, or a dataset in a layout that the plugin knows, whose training samples are taken.
        out: The run folder.
        settings: Fields of `AdaptRecipe`; when resumed, those that are given must be the run's own.
        encoder: As for `mt_core.load`; it stays as it is.
        options: The tokenizer's.
        data_options: The dataset's.
        minutes: Stop after so long. The schedule is in steps and does not change.
        resume: Go on with the run in `out`; one that is complete is given as it is.
        overwrite: Replace the run in `out`.
        device: "cpu", "cuda", …; None: a GPU where there is one.
        strict: Whether it is an error where something is left out of the data or reinterpreted.

    Raises:
        PluginError: the modality's plugin is not here.
        EncoderError: the encoder is not available.
        DatasetError: nothing to learn from.
        InputError: a sample that cannot be read.
        OptionError: an option that does not fit, or a tokenizer that has nothing to train.
        RunError: a run folder that is in the way or cannot be resumed, or vectors that have become the same.
        FingerprintError: the frozen encoder is not, byte for byte, what it was before.
    """
    folder, root = Path(out), Path(data)
    check_minutes(minutes)
    settings = settled(dict(settings or {}))
    record = _resumable(folder) if resume else None
    recipe = _choose_recipe(folder, record, settings)
    if ranks_of(recipe).is_first:
        check_folder(folder, resume=resume, overwrite=overwrite)
    if record is not None and record["status"] == "complete":
        before, after = (Variety(**record["vectors"][when]) for when in ("before", "after"))
        return AdaptResult(folder, recipe.steps, True, before, after, read_history(folder))
    if recipe.tune == "lora":
        check_peft()
    plugin, used = get(modality), device_of(device)
    check_precision(recipe.precision, used)
    notices = Notices(read_notices(folder / NOTICES) if resume else (), strict=strict, default=str(root))
    with collecting(notices):
        notices.check()  # those of the run that is resumed
        for_tokenizer, for_data = options_of_both(plugin, options or {}, data_options or {})
        model = mt.load(modality, encoder=encoder, purpose="train", seed=recipe.seed, device=str(used), **for_tokenizer)
        _check_trainable(model, recipe)
        opened = open_unlabelled(plugin, model.tokenizer, root, for_data, recipe, is_dataset=bool(data_options))
        notices.check()
        run = Run(folder, plugin, model, recipe, opened, root)
        result = run.go(record, notices, minutes=minutes, overwrite=overwrite, show_progress=show_progress)
    relay(list(notices))
    return result


def _resumable(folder: Path) -> dict[str, Any]:
    record = read_record(folder)
    if record.get("head") is not None or "vectors" not in record:
        raise RunError(f"{folder} holds no run of mt adapt", fix="go on with it by mt train, or choose another --out")
    if record["status"] == "collapsed":
        raise RunError(
            f"the run in {folder} ended because its vectors became the same", fix="begin it again by --overwrite"
        )
    return record


def _choose_recipe(folder: Path, record: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> AdaptRecipe:
    if record is None:
        return AdaptRecipe.parse(settings)
    recipe = AdaptRecipe.parse({**record["recipe"], "devices": 1, "num_nodes": 1, **settings})
    check_same(folder, _deciding(record["recipe"]), _deciding(recipe.model_dump(mode="json")))
    return recipe


def _deciding(recipe: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in recipe.items() if name not in FREE}


def _check_trainable(model: MetaTransformer, recipe: AdaptRecipe) -> None:
    if recipe.tune == "tokenizer" and not any(True for _ in model.tokenizer.parameters()):
        has_views = "view" in type(model.tokenizer.options).model_fields
        raise OptionError(
            f"this tokenizer of {model.modality} has no parameters, so that there is nothing to train in it",
            fix="train adapters in the encoder: --tune lora" + (", or take -O view=tokens" if has_views else ""),
        )
