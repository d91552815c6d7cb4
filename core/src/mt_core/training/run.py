"""The run folder: everything needed to predict, or to train again.

runs/x/
  run.json             what was trained, on what, how, and what came of it
  weights.safetensors  tokenizer and head, and the adapters of tune=lora or of the run that it started from; nothing of
                       the frozen encoder; no head where the tokenizer was adapted without labels
  encoder.safetensors  only where the encoder was trained too (tune=full)
  metrics.csv          a line an epoch
  notices.jsonl        what was left out of the data or reinterpreted, of which file; only where something was
  training_samples.npy hashes of the samples that it was made with
  report.html          the same with plots
  checkpoints/         what an interrupted run goes on from; gone when it is complete
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mt_core.contract import Head, Options, task_from
from mt_core.encoder import Encoder, load_encoder
from mt_core.errors import ContractError, FingerprintError, OptionError, RunError
from mt_core.heads import default_head
from mt_core.heads.neighbours import NeighbourHead, neighbour_head
from mt_core.io.atomic import atomic_write
from mt_core.model import MetaTransformer, make_tokenizer, on_device
from mt_core.plugins import Plugin, get
from mt_core.training.lora import adapters_of, has_adapters, load_adapters, merge_adapters
from mt_core.training.records import resolve_name
from mt_core.training.run_record import ENCODER_WEIGHTS, RUN, WEIGHTS, read_finished, read_history
from mt_core.training.seen import read_seen
from mt_core.training.trained_on import TrainedOn

_NEIGHBOURS = f"{NeighbourHead.__module__}:{NeighbourHead.__qualname__}"


def describe_model(model: MetaTransformer) -> dict[str, Any]:
    """What makes this model again, apart from its weights; without a head, `head` and `task` are None."""
    plugin = get(model.modality)
    head = model.head
    return {
        "modality": model.modality,
        "plugin": {"distribution": plugin.distribution, "version": plugin.version},
        "encoder": {
            "name": resolve_name(model.encoder.name),
            "description": model.encoder.description,
            "fingerprint": model.merged.base_fingerprint if model.merged is not None else model.encoder.fingerprint,
            "width": model.encoder.width,
            **model.encoder.choices,
            **({"adapted": True} if model.merged is not None else {}),
        },
        "tokenizer": {
            "options": model.tokenizer.options.model_dump(mode="json"),
            "calibration": model.tokenizer.calibration(),
            "seed": model.seed,
        },
        "head": head
        and {
            "class": f"{type(head).__module__}:{type(head).__qualname__}",
            "options": head.options.model_dump(mode="json"),
            "positive_class": getattr(head, "positive_class", None),
        },
        "task": head and head.task.model_dump(mode="json"),
        "parameters": vars(model.parameter_counts()),
    }


def save_weights(model: MetaTransformer, folder: Path, epoch: float) -> None:
    """Write tokenizer and head, and the encoder only where it was trained; each file says of which epoch it is."""
    write_weights(weights_of(model), folder, epoch)


def weights_of(model: MetaTransformer) -> dict[str, dict[str, Tensor]]:
    """The tensors of each file of weights of a run folder, in the order in which they are written."""
    encoder = {} if model.encoder.is_frozen else {ENCODER_WEIGHTS: dict(model.encoder.state_dict())}
    return {**encoder, WEIGHTS: _parts(model)}


def write_weights(files: Mapping[str, Mapping[str, Tensor]], folder: Path, epoch: float) -> None:
    """Write what `weights_of` gave."""
    for name, tensors in files.items():
        _save(tensors, folder / name, epoch)


def kept_epoch(folder: Path, name: str = WEIGHTS) -> float | None:
    """Of which epoch the weights in a run folder are; None where there are none, or they do not say it."""
    if not (folder / name).is_file():
        return None
    try:
        with safe_open(folder / name, "pt") as file:
            said = (file.metadata() or {}).get("epoch")
    except (OSError, SafetensorError):
        return None  # not whole: whoever needs the weights says so
    return None if said is None else float(said) if "." in said else int(said)


def load_weights(model: MetaTransformer, folder: Path) -> None:
    """Put the weights that a run folder keeps into its model.

    Raises:
        RunError: they cannot be read, are of two epochs, or do not fit.
    """
    tensors = _load(folder / WEIGHTS)
    for part in ("tokenizer", "head") if model.head is not None else ("tokenizer",):
        _load_into(getattr(model, part), _of_part(tensors, part), folder / WEIGHTS)
    if has_adapters(model.encoder):
        load_adapters(model.encoder, _of_part(tensors, "adapters"), folder / WEIGHTS)
    if (folder / ENCODER_WEIGHTS).is_file():
        if (of_encoder := kept_epoch(folder, ENCODER_WEIGHTS)) is not None and of_encoder != kept_epoch(folder):
            raise RunError(
                f"the run in {folder} was stopped while its weights were written",
                fix="go on with it: the same mt train command with --resume",
            )
        _load_into(model.encoder, _load(folder / ENCODER_WEIGHTS), folder / ENCODER_WEIGHTS)


def _of_part(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{part}."): t for name, t in tensors.items() if name.startswith(f"{part}.")}


def _parts(model: MetaTransformer) -> dict[str, Tensor]:
    parts = {
        "tokenizer": model.tokenizer.state_dict(),
        "head": model.head.state_dict() if model.head is not None else {},
        "adapters": adapters_of(model.encoder),
        "merged": model.merged.tensors if model.merged is not None else {},
    }
    return {f"{part}.{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}


def _save(tensors: Mapping[str, Tensor], path: Path, epoch: float) -> None:
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_write(path, RunError) as unfinished:
        save_file(on_cpu, unfinished, metadata={"epoch": str(epoch)})


def load_run(
    folder: str | Path, *, encoder: str | Path | Encoder | None = None, device: str | torch.device | None = None
) -> MetaTransformer:
    """The model of a run, on the encoder it was trained on.

    Args:
        folder: The run folder.
        encoder: Where to get the encoder from, if not by the name that the run recorded: a file, for instance, or one
            that is loaded already. Its fingerprint must be the recorded one.
        device: None: CPU.

    Raises:
        RunError: no run, an incomplete one, or weights that do not fit.
        FingerprintError: another encoder.
        PluginError: the modality's plugin is not here.
    """
    folder = Path(folder)
    with understood_record(folder) as record:
        return _assemble(folder, record, encoder, device)


@contextmanager
def understood_record(folder: Path) -> Iterator[dict[str, Any]]:
    """What `run.json` says of a run that has weights. Within it, what the record lacks or has otherwise is refused.

    Raises:
        RunError: no run, an incomplete one, or a record that is not one of a run.
    """
    record = read_finished(folder)
    try:
        yield record
    except KeyError as error:
        raise RunError(f"{folder / RUN} lacks {error}", fix="train the run again") from error
    except (TypeError, AttributeError, ValueError) as error:  # a list for a table, a word for a number
        said = str(error).partition("\n")[0]
        problem = f"{folder / RUN} is not the record of a run ({said})"
        raise RunError(problem, fix="copy the run again, or train it") from error


def _assemble(
    folder: Path, record: dict[str, Any], encoder: str | Path | Encoder | None, device: str | torch.device | None
) -> MetaTransformer:
    plugin = get(record["modality"])
    wanted = record["encoder"]
    ready = encoder if isinstance(encoder, Encoder) else load_encoder(encoder or wanted["name"])
    ready = ready.for_cells(plugin.manifest.cells)
    if ready.fingerprint != wanted["fingerprint"]:
        raise FingerprintError(
            f"the run in {folder} was trained on the encoder {wanted['name']} ({wanted['fingerprint'][:12]}…), "
            f"this one is {ready.name} ({ready.fingerprint[:12]}…)",
            fix=f"load {wanted['name']}, or train again on this encoder",
        )
    is_lora, is_adapted = record["recipe"]["tune"] == "lora", wanted.get("adapted", False)
    if ((folder / ENCODER_WEIGHTS).is_file() or is_lora or is_adapted) and ready is encoder:
        ready = deepcopy(encoder)  # other models share it, and the run's weights are its own
    ready = ready.with_choices(wanted)
    made = record["tokenizer"]
    with options_known(folder, record, "tokenizer"):
        tokenizer = make_tokenizer(plugin.tokenizer, ready, made["options"], made["seed"], init_from_encoder=False)
    tokenizer.restore(made["calibration"])
    head = None
    if record["head"] is not None:
        with options_known(folder, record, "head"):
            head = _make_head(plugin, record, ready.feature_width)
    how = "trained" if head is not None else "adapted without labels"
    provenance = f"{how} on {record['data']['source']}{_how_far(folder, record)}"
    model = MetaTransformer(plugin.name, tokenizer, ready, head, seed=made["seed"], provenance=provenance)
    if is_adapted:
        merge_adapters(model, _of_part(_load(folder / WEIGHTS), "merged"), record["started_from"]["run"])
    model.run = str(folder)
    model.started_from = record.get("started_from")
    model.data_options = data_options_of(folder, record, plugin)
    if head is not None:
        model.typical_target = record["data"].get("typical_target")
        model.seen = read_seen(folder)
        model.trained_on = TrainedOn(record["recipe"], record["data"].get("root"), seconds=record.get("seconds", 0.0))
    if (folder / ENCODER_WEIGHTS).is_file():
        ready.unfreeze()
        load_weights(model, folder)
        ready.freeze(description=f"{ready.description}, then trained in {folder}")
        model.merged = None  # what was added is in these weights
    else:
        load_weights(model, folder)
    if is_lora:
        merge_adapters(model, _of_part(_load(folder / WEIGHTS), "adapters"), folder)
    if head is None:
        model.started_from = {"run": str(folder), "tokenizer_fingerprint": model.tokenizer_fingerprint()}
    return on_device(model, device).eval()


def data_options_of(folder: Path, record: Mapping[str, Any], plugin: Plugin) -> Options | None:
    """The dataset's options that a run was trained with; None where it was not trained on a folder.

    Raises:
        RunError: options that the installed plugin does not take.
    """
    options = record["data"]["options"]
    if options is None:
        return None
    with options_known(folder, record, "dataset"):
        return plugin.dataset.Options.parse(options)


def _how_far(folder: Path, record: Mapping[str, Any]) -> str:
    """What is to be known of a run that did not come to its end; "" of one that did."""
    if record["status"] == "complete":
        return ""
    if "steps" in record["recipe"]:
        return f", stopped at step {record['step']:,} of {record['recipe']['steps']:,}"
    if "samples" in (chosen := record.get("chosen") or {}):
        return f", stopped: the head is fitted to {chosen['samples']:,} of its samples"
    rows = read_history(folder)
    done = f"{rows[-1]['epoch']:.4g}" if rows else "0"
    state = "stopped" if record["status"] == "stopped" else "interrupted, or still training,"
    of = f"{state} after {done} of {record['recipe']['epochs']} epochs"
    return f", {of}: the weights are those of epoch {kept_epoch(folder):.4g}, the {record['recipe']['keep']} one so far"


@contextmanager
def options_known(folder: Path, record: Mapping[str, Any], part: str) -> Iterator[None]:
    """An option that the installed plugin does not take is the run's: written by an older or a newer plugin."""
    try:
        yield
    except OptionError as error:
        made_by = f"{record['plugin']['distribution']}=={record['plugin']['version']}"
        raise RunError(
            f"the {part} of {folder / RUN} does not fit the plugin that is installed: {error.problem}",
            fix=f"pip install {made_by}, which made the run, or train it again",
        ) from error


def _make_head(plugin: Plugin, record: dict[str, Any], width: int) -> Head:
    task = task_from(record["task"])
    options = record["head"]["options"]
    made_by = neighbour_head if record["head"]["class"] == _NEIGHBOURS else default_head
    head = made_by(width, task, plugin.head, options=options)
    made = f"{type(head).__module__}:{type(head).__qualname__}"
    if made != record["head"]["class"]:
        raise ContractError(
            f"the run has a head of {record['head']['class']}, {plugin.distribution} {plugin.version} gives {made}",
            fix=f"install {record['plugin']['distribution']}=={record['plugin']['version']}",
        )
    return head


def _load(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise RunError(f"{path} cannot be read ({error})", fix="copy the run again, or train it again") from error


def _load_into(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise RunError(
            f"{path} does not fit {type(module).__name__} ({str(error).splitlines()[-1].strip()})",
            fix="install the plugin's version that run.json names, or train again",
        ) from error
