"""Pretraining by contrast: each picture nearer to its own caption than to all others, through one encoder for both.

runs/c/
  pretrain-pairs.json            the recipe, the data, how far it is, what it reaches
  metrics.csv                    a line an epoch: loss, recall of held-out captions
  encoder.safetensors            for mt_core.load_encoder; config.json beside it
  image-tokenizer.safetensors, text-tokenizer.safetensors, projections.safetensors
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
from mt_core.training.checkpoints import CHECKPOINTS, check_checkpoint, keep_last, last_checkpoint
from mt_core.training.lightning_runs import interruptible, quiet, silent_trainer
from mt_core.training.records import resolve_name, versions
from mt_pretrain.contrast_module import (
    ContrastModule,
    ContrastRecipe,
    HistoryOnce,
    InTime,
    PairData,
    Shown,
)
from mt_pretrain.pair_batches import Reading, prepared_held_out, row_of, survey, told
from mt_pretrain.pairs import LeftOut, open_pairs
from mt_pretrain.run_folder import make_folder, read_record, settings_mismatch, write_record
from mt_pretrain.towers import Towers, check_writable, write_towers
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
    machine with as many readers. With several devices or machines every process makes this call; Lightning starts
    those of one machine, `torchrun` or SLURM those of several.

    Args:
        data: A folder, a table or shards of pairs; see `pairs`.
        out: The run folder.
        encoder: What to start from, which itself is left as it is; None: a random ViT-Tiny of the recipe's seed, or
            that of the run.
        recipe: Fields of `ContrastRecipe`; when resumed, those that are given must be the run's own.
        resume: Go on with the run in `out`, from its last whole epoch.
        minutes: Begin no epoch that would last beyond. The schedule does not change.
        device: "cpu", "cuda"; None: a GPU where there is one.
        devices: Processes on each machine, one a device.
        nodes: Machines.

    Raises:
        DatasetError: data in no known layout, or too few pairs that can be read.
        OptionError: a setting that does not fit, or an encoder that could not be written afterwards.
        PluginError: the plugins image and text are not both here.
        RunError: a run folder that is in the way or cannot be resumed, or a loss that is no number any more.
    """
    if minutes is not None and not minutes > 0:
        raise OptionError(f"minutes={minutes} is no time", fix="give a positive number")
    folder = Path(out)
    record = _read_record(folder) if resume else None
    chosen = _recipe_of(folder, record, recipe or {})
    history = HistoryOnce(folder)
    in_time = [InTime(minutes)] if minutes is not None else []
    trainer = _trainer(chosen, folder, [history, *in_time], device, devices, nodes, show_progress)
    towers = _towers(chosen, encoder if encoder is not None or record is None else record["encoder"]["name"])
    module, batches, planned = _made_ready(towers, chosen, data, trainer.world_size)
    if trainer.is_global_zero:
        _make_folder_ready(folder, planned, record)
    checkpoint = last_checkpoint(folder)
    begun = check_checkpoint(checkpoint, module.state_dict()) if resume and checkpoint.is_file() else None
    how_to_go_on = f"stopped; go on with the same command and --resume ({folder})"
    with quiet(), seeded(chosen.seed), interruptible(how_to_go_on):
        trainer.fit(module, batches, ckpt_path=begun, weights_only=True)
    scores = {name.removeprefix("val_"): value for name, value in history.rows[-1].items() if name.startswith("val_")}
    scores["chance"] = 1 / (max(module.caption_of) + 1)
    is_complete = len(history.rows) == chosen.epochs
    result = ContrastResult(folder, folder / ENCODER, scores, is_complete, history.rows)
    if trainer.is_global_zero:
        _finish(result, module, planned, checkpoint)
    return result


def _recipe_of(folder: Path, record: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> ContrastRecipe:
    if record is None:
        return ContrastRecipe.parse(settings)
    recipe = ContrastRecipe.parse({**record["recipe"], **settings})
    differing = [name for name, value in recipe.model_dump(mode="json").items() if record["recipe"].get(name) != value]
    if differing:
        raise _begun_with_other(folder, differing)
    return recipe


def _begun_with_other(folder: Path, differing: list[str]) -> RunError:
    return settings_mismatch(folder, differing, "repeat the command it was begun with, or choose another --out")


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
        callbacks.append(EMAWeightAveraging(decay=recipe.ema))
    if show_progress and not getattr(rank_zero_only, "rank", 0):
        callbacks.append(Shown())
    callbacks.append(keep_last(folder))
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
        said = str(error).partition("\n")[0]
        problem = f"device={device!r} with devices={devices} and nodes={nodes} cannot be used ({said})"
        raise OptionError(problem, fix="use cpu; mt doctor shows what there is") from None
    check_precision(recipe.precision, trainer.strategy.root_device)
    return trainer


def _towers(recipe: ContrastRecipe, encoder: str | Path | Encoder | None) -> Towers:
    """Tokenizers, encoders and projections as they are before the first step."""
    image_plugin, text_plugin = get("image"), get("text")
    if not isinstance(encoder, Encoder):
        encoder = load_encoder(f"random/vit_tiny_patch16_224@{recipe.seed}" if encoder is None else encoder)
    image = make_tokenizer(image_plugin.tokenizer, encoder, recipe.image, recipe.seed)
    text = make_tokenizer(text_plugin.tokenizer, encoder, recipe.text, recipe.seed)
    learning = deepcopy(encoder).unfreeze()  # others may share what was given
    with seeded(recipe.seed):
        towers = Towers(image, text, learning, deepcopy(learning) if recipe.separate else None, recipe.joint_width)
    check_writable(towers)
    return towers


def _made_ready(
    towers: Towers, recipe: ContrastRecipe, data: str | Path, num_ranks: int
) -> tuple[ContrastModule, PairData, dict[str, Any]]:
    """What is trained, on what, and what the record says before the first step, with which a run that is resumed must
    agree. The text tokenizer is calibrated on the first captions."""
    pairs = open_pairs(data, get("image").manifest.suffixes)
    reading = Reading(pairs, towers.image, towers.text, recipe.batch_size, recipe.val_fraction, recipe.seed)
    looked_at = survey(reading)
    with seeded(recipe.seed):
        towers.text.calibrate(Example(row_of(caption)) for caption in looked_at.captions)
    held_out = prepared_held_out(reading, looked_at.held_out)
    batches = PairData(reading, held_out, looked_at.num_pairs, recipe, num_ranks)
    module = ContrastModule(towers, recipe, batches.steps, held_out)
    module.left_out.update([*looked_at.left_out, *held_out.left_out])
    root = str(Path(data).resolve())
    planned = {
        "format": FORMAT,
        "status": "training",
        "recipe": recipe.model_dump(mode="json"),
        "encoder": {"name": resolve_name(towers.encoder.name), "fingerprint": towers.encoder.fingerprint},
        "data": {"root": root, "pairs": looked_at.num_pairs, "held_out": len(held_out.items)},
        "versions": versions(),
    }
    return module, batches, planned


def _read_record(folder: Path) -> dict[str, Any]:
    other_kind = "on drawn pictures goes on without --pairs"
    return read_record(folder / RECORD, FORMAT, _check_record, kind="on pairs", other_kind=other_kind)


def _check_record(record: Mapping[str, Any]) -> None:
    ContrastRecipe.parse(record["recipe"])
    str(record["encoder"]["name"])


def _make_folder_ready(folder: Path, planned: Mapping[str, Any], record: Mapping[str, Any] | None) -> None:
    if record is not None:
        differing = [name for name in ("encoder", "data") if record.get(name) != planned[name]]
        if differing:
            raise _begun_with_other(folder, differing)
        return
    in_the_way = RunError(f"{folder} is not empty", fix="choose another --out, or --resume the run in it")
    make_folder(folder, in_the_way)
    write_record(folder / RECORD, planned)


def _finish(result: ContrastResult, module: ContrastModule, planned: Mapping[str, Any], checkpoint: Path) -> None:
    """Write what was learned, and tell what was left out."""
    # also where nothing was left to do; the moving average, where there is one
    module.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"])
    write_towers(module.towers.cpu(), result.folder)
    finished = {
        **planned,
        "status": "complete" if result.is_complete else "training",
        "scores": result.scores,
        "left_out": len(module.left_out),
        "result": {"file": ENCODER, "fingerprint": load_encoder(result.encoder).fingerprint},
    }
    write_record(result.folder / RECORD, finished)
    if result.is_complete:
        shutil.rmtree(result.folder / CHECKPOINTS)
    if module.left_out:
        root = planned["data"]["root"]
        warnings.warn(f"{root}: {told([LeftOut(*each) for each in module.left_out.items()])}", MtWarning, stacklevel=3)
