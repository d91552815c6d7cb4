"""Pretraining by contrast: each picture nearer to its own caption than to all others, through one encoder for both.

runs/c/
  pretrain-pairs.json            the recipe, the data, how far it is, what it reaches
  metrics.csv                    a line an epoch: loss, recall of held-out captions
  encoder.safetensors            for mt_core.load_encoder; config.json beside it
  picture-tokenizer.safetensors, caption-tokenizer.safetensors, projections.safetensors
  checkpoints/                   what an interrupted run goes on from; gone when it is complete

Source: Radford et al. 2021 (CLIP), arXiv:2103.00020, for objective and settings; Zhang et al. 2023 (Meta-Transformer),
arXiv:2307.10802, section 3.3, whose encoder was made so.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.callbacks import EMAWeightAveraging

from mt_core.contract import Example
from mt_core.data.precision import check_precision
from mt_core.encoder import Encoder, load_encoder
from mt_core.errors import MtWarning, OptionError, RunError
from mt_core.model import make_tokenizer, seeded
from mt_core.plugins import get
from mt_core.training.callbacks import History
from mt_core.training.checkpoints import CHECKPOINTS, check_checkpoint, last_checkpoint
from mt_core.training.kept import LastCheckpoint
from mt_core.training.lightning_runs import interruptible, quiet, silent_trainer
from mt_core.training.records import check_same, make_folder, read_json, resolve_name, versions, write_json
from mt_core.training.steps import check_minutes
from mt_pretrain.pairs.batches import PairReader, prepare_held_out, row_of, summary, survey
from mt_pretrain.pairs.callbacks import ContrastProgress, EpochTimeLimit
from mt_pretrain.pairs.encoder_file import check_writable, write_towers
from mt_pretrain.pairs.layouts import open_pairs
from mt_pretrain.pairs.module import ContrastModule, PairData
from mt_pretrain.pairs.pair import Skipped
from mt_pretrain.pairs.recipe import ContrastRecipe
from mt_pretrain.pairs.towers import Towers
from mt_pretrain.vit import ENCODER

RECORD, FORMAT = "pretrain-pairs.json", 1


@dataclass(frozen=True)
class ContrastResult:
    """What pretraining on pairs gave.

    Attributes:
        folder: The run folder.
        encoder: The file for `mt_core.load_encoder`.
        scores: Of the last epoch: `recall_at_1` and `recall_at_5`, the share of held-out pictures whose own caption is
            (one of) the nearest; `chance`, what `recall_at_1` is for whoever guesses.
        is_complete: Whether all epochs are done.
        history: A row an epoch.
    """

    folder: Path
    encoder: Path
    scores: dict[str, float]
    is_complete: bool
    history: list[dict[str, float]] = field(repr=False)


def pretrain_on_pairs(
    data: str | Path,
    out: str | Path,
    *,
    encoder: str | Path | Encoder | None = None,
    recipe: Mapping[str, Any] | None = None,
    resume: bool = False,
    minutes: float | None = None,
    device: str | None = None,
    devices: int = 1,
    nodes: int = 1,
    show_progress: bool = False,
) -> ContrastResult:
    """Train an encoder on pictures with captions, in the manner of CLIP.

    Ctrl-C and SIGTERM stop it, and it goes on from its last whole epoch; `pairs_an_epoch` keeps epochs short. A run
    that goes on with `resume` becomes, bit for bit, what it would have become without the interruption, on the same
    machine with as many worker processes. With several devices or machines every process makes this call; Lightning
    starts those of one machine, `torchrun` or SLURM those of several.

    Args:
        data: A folder, a table or shards of pairs; see `layouts`.
        out: The run folder.
        encoder: What to start from, which itself is left as it is; None: a random ViT-Tiny of the recipe's seed, or
            that of the run.
        recipe: Fields of `ContrastRecipe`; when resumed, those that are given must be the run's own.
        resume: Go on with the run in `out`, from its last whole epoch; one that is complete is given as it is.
        minutes: Begin no epoch that would last beyond. The schedule does not change.
        device: "cpu", "cuda"; None: a GPU where there is one.
        devices: Processes on each machine, one a device.
        nodes: Machines.

    Raises:
        DatasetError: data in no known layout, or too few pairs that can be read.
        OptionError: a setting that does not fit, or an encoder that could not be written afterwards.
        PluginError: the plugins of both modalities are not here.
        RunError: a run folder that is in the way or cannot be resumed, or a loss that is no number any more.
    """
    check_minutes(minutes)
    folder = Path(out)
    record = _read_record(folder) if resume else None
    chosen = _choose_recipe(folder, record, recipe or {})
    if record is not None and record["status"] == "complete":
        return ContrastResult(folder, folder / ENCODER, record["scores"], True, record["history"])
    history = History(folder)
    time_limit = [EpochTimeLimit(minutes)] if minutes is not None else []
    trainer = _trainer(chosen, folder, [history, *time_limit], device, devices, nodes, show_progress)
    towers = _towers(chosen, encoder if encoder is not None or record is None else record["encoder"]["name"])
    module, batches, planned = _prepare(towers, chosen, data, trainer.world_size)
    if trainer.is_global_zero:
        _prepare_folder(folder, planned, record)
    last = last_checkpoint(folder)
    checkpoint = check_checkpoint(last, module.state_dict()) if resume and last.is_file() else None
    with quiet(), seeded(chosen.seed), interruptible(f"stopped; go on with the same command and --resume ({folder})"):
        trainer.fit(module, batches, ckpt_path=checkpoint, weights_only=True)
    scores = {name.removeprefix("val_"): value for name, value in history.rows[-1].items() if name.startswith("val_")}
    scores["chance"] = 1 / (max(module.caption_of) + 1)
    is_complete = len(history.rows) == chosen.epochs
    result = ContrastResult(folder, folder / ENCODER, scores, is_complete, history.rows)
    if trainer.is_global_zero:
        _finish(result, module, planned, last)
    return result


def _choose_recipe(folder: Path, record: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> ContrastRecipe:
    if record is None:
        return ContrastRecipe.parse(settings)
    recipe = ContrastRecipe.parse({**record["recipe"], **settings})
    check_same(folder, record["recipe"], recipe.model_dump(mode="json"))
    return recipe


def _trainer(
    recipe: ContrastRecipe,
    folder: Path,
    callbacks: list[lightning.Callback],
    device: str | None,
    devices: int,
    nodes: int,
    show_progress: bool,
) -> lightning.Trainer:
    if recipe.ema:
        callbacks.append(EMAWeightAveraging(decay=recipe.ema, use_buffers=False))
    if show_progress and not getattr(rank_zero_only, "rank", 0):
        callbacks.append(ContrastProgress())
    callbacks.append(LastCheckpoint(folder))
    try:
        with quiet():
            trainer = silent_trainer(
                folder,
                precision=recipe.precision,
                clip=recipe.clip,
                accelerator={"cuda": "gpu", None: "auto"}.get(device, device or "auto"),
                devices=devices,
                num_nodes=nodes,
                strategy="ddp" if devices * nodes > 1 else "auto",
                max_epochs=recipe.epochs,
                callbacks=callbacks,
                reload_dataloaders_every_n_epochs=1,
                use_distributed_sampler=False,
            )
    except (MisconfigurationException, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        problem = f"device={device!r} with devices={devices} and nodes={nodes} cannot be used ({reason})"
        raise OptionError(problem, fix="use cpu; mt doctor shows what there is") from None
    check_precision(recipe.precision, trainer.strategy.root_device)
    return trainer


def _towers(recipe: ContrastRecipe, encoder: str | Path | Encoder | None) -> Towers:
    """Tokenizers, encoders and projections as they are before the first step."""
    picture_plugin, caption_plugin = get(recipe.picture_modality), get(recipe.caption_modality)
    if not isinstance(encoder, Encoder):
        encoder = load_encoder(f"random/vit_tiny_patch16_224@{recipe.seed}" if encoder is None else encoder)
    picture = make_tokenizer(picture_plugin.tokenizer, encoder, recipe.picture_options, recipe.seed)
    caption = make_tokenizer(caption_plugin.tokenizer, encoder, recipe.caption_options, recipe.seed)
    learning = deepcopy(encoder).unfreeze()  # others may share what was given
    with seeded(recipe.seed):
        towers = Towers(picture, caption, learning, deepcopy(learning) if recipe.separate else None, recipe.joint_width)
    check_writable(towers)
    return towers


def _prepare(
    towers: Towers, recipe: ContrastRecipe, data: str | Path, num_ranks: int
) -> tuple[ContrastModule, PairData, dict[str, Any]]:
    """What is trained, on what, and what the record says before the first step, with which a run that is resumed must
    agree. The tokenizer of captions is calibrated on the first of them."""
    pairs = open_pairs(data, get(recipe.picture_modality).manifest.suffixes)
    reader = PairReader(pairs, towers.picture, towers.caption, recipe.batch_size, recipe.val_fraction, recipe.seed)
    surveyed = survey(reader)
    with seeded(recipe.seed):
        towers.caption.calibrate(Example(row_of(caption)) for caption in surveyed.captions)
    held_out = prepare_held_out(reader, surveyed.held_out)
    batches = PairData(reader, held_out, surveyed.num_pairs, recipe, num_ranks)
    module = ContrastModule(towers, recipe, batches.steps, held_out)
    module.skipped.update([*surveyed.skipped, *held_out.skipped])
    root = str(Path(data).resolve())
    planned = {
        "format": FORMAT,
        "status": "training",
        "recipe": recipe.model_dump(mode="json"),
        "encoder": {"name": resolve_name(towers.encoder.name), "fingerprint": towers.encoder.fingerprint},
        "data": {"root": root, "pairs": surveyed.num_pairs, "held_out": len(held_out.items)},
        "versions": versions("mt-pretrain"),
    }
    return module, batches, planned


def _read_record(folder: Path) -> dict[str, Any]:
    absent = RunError(
        f"{folder} holds no run on pairs (there is no {RECORD} in it)",
        fix="begin it without --resume; one on drawn pictures goes on without --pairs",
    )
    return read_json(folder / RECORD, FORMAT, absent=absent, check=_check_record)


def _check_record(record: Mapping[str, Any]) -> None:
    ContrastRecipe.parse(record["recipe"])
    str(record["encoder"]["name"])
    if record["status"] == "complete":
        dict(record["scores"]), list(record["history"])


def _prepare_folder(folder: Path, planned: Mapping[str, Any], record: Mapping[str, Any] | None) -> None:
    if record is not None:
        check_same(folder, record, {name: planned[name] for name in ("encoder", "data")})
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder} is not empty", fix="choose another --out, or --resume the run in it")
    make_folder(folder)
    write_json(folder / RECORD, planned)


def _finish(result: ContrastResult, module: ContrastModule, planned: Mapping[str, Any], checkpoint: Path) -> None:
    """Write what was learned, and warn of what was skipped."""
    # also where nothing was left to do; the moving average, where there is one
    module.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"])
    write_towers(module.towers.cpu(), result.folder, module.recipe)
    finished = {
        **planned,
        "status": "complete" if result.is_complete else "training",
        "scores": result.scores,
        "history": result.history,
        "skipped": len(module.skipped),
        "result": {"file": ENCODER, "fingerprint": load_encoder(result.encoder).fingerprint},
    }
    write_json(result.folder / RECORD, finished)
    if result.is_complete:
        shutil.rmtree(result.folder / CHECKPOINTS)
    if module.skipped:
        root = planned["data"]["root"]
        warnings.warn(
            f"{root}: {summary([Skipped(*each) for each in module.skipped.items()])}", MtWarning, stacklevel=3
        )
