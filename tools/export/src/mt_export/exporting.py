"""A run to one file and its card."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args

from torch import Tensor
from torch.export import ExportedProgram

from mt_core import hooks
from mt_core.encoder import Encoder
from mt_core.errors import OptionError
from mt_core.heads import SceneSegmentationHead
from mt_core.model import MetaTransformer
from mt_export.answers import Output, outputs_of, postprocessing_of
from mt_export.card import FORMAT, input_cards, model_card, output_cards, sha256_of
from mt_export.errors import ExportError
from mt_export.graph import traced
from mt_export.onnx_file import OnnxModel, name_axes, opset_of, quantise, write_onnx
from mt_export.parity import TOLERANCE, Exported, Parity, compare
from mt_export.samples import Samples, validation_samples
from mt_export.shapes import Shapes
from mt_export.signature import Signature, signature_of, signature_of_alike, signature_of_scene
from mt_export.torch_file import TorchModel, write_torch

To = Literal["onnx", "torch"]
SUFFIXES: dict[To, str] = {"onnx": ".onnx", "torch": ".pt2"}


@dataclass(frozen=True)
class ExportResult:
    """What was written.

    Attributes:
        file: The model.
        card_file: Its card, as JSON.
        card: The same.
        parity: The file, in float32, beside the model on validation samples of the run.
        int8: The same of the file in 8-bit integers, where that is what was written.
    """

    file: Path
    card_file: Path
    card: Mapping[str, Any]
    parity: Parity
    int8: Parity | None = None


def export(
    run: str | Path | MetaTransformer,
    to: To = "onnx",
    file: str | Path | None = None,
    *,
    int8: bool = False,
    data: str | Path | None = None,
    samples: int | None = None,
    encoder: str | Path | Encoder | None = None,
    num_workers: int | None = None,
    overwrite: bool = False,
) -> ExportResult:
    """Write a trained model as one file that runs without mt-core, and a card on how to call it.

    The graph goes from the tensors that the tokenizer's `collate` gives to the head's scores, what they say, and the
    sample's vector. What reads files and prepares samples stays outside: the card describes it.

    Args:
        run: The folder of a run, or a model that was trained in this process.
        to: "onnx", which ONNX Runtime and others run; "torch": a program of torch.export.
        file: None: `model.onnx` or `model.pt2` in the run's folder. The card has its name, ending in `.json`.
        int8: Write the weights in 8-bit integers (ONNX alone); how much metrics change by it is in the card.
        data: Where the training data lie now, or other labelled data; None: where they lay.
        samples: Of the run's validation samples so many, evenly spread, are computed by the file and by the model;
            None: 256, or 32 where the head's output for one is large, or 8 where it is computed for one at a time.
        encoder: As for `mt_core.load_run`.
        num_workers: Processes that read samples; None: one less than the cores.
        overwrite: Replace a file that is there.

    Raises:
        ExportError: what cannot be exported and why; a file whose outputs differ by more than 1e-4 from the model's,
            of which nothing is left.
        OptionError: the validation samples are not there, or options that do not go together.
        RunError: as `mt_core.load_run`.
    """
    _check_options(to, int8, samples)
    path = _file(run, to, file)
    card_file = path.with_suffix(".json")
    for there in (path, card_file):
        check_replaceable(there, overwrite=overwrite)
    model = _loaded(run, encoder)
    held = validation_samples(model, data, samples or _num_samples(model), num_workers)
    signature = _signature(model, [item for item, _ in held.items])
    outputs = outputs_of(model.head)
    program, signature = traced(model, signature, outputs)
    shapes = Shapes(program, signature, [output.name for output in outputs])
    with _folder_beside(path) as folder:
        written, exact = _written(program, signature, outputs, shapes, to, folder)
        parity = compare(model, exact, signature, outputs, held.items)
        _require_parity(parity, model)
        rounded = None
        if int8:
            written, exact = _rounded(written, outputs)
            rounded = compare(model, exact, signature, outputs, held.items)
        card = _card(model, signature, outputs, shapes, held, parity, rounded)
        card["file"] = {"name": path.name, **_of_file(written, to, int8)}
        beside = folder / "card.json"
        beside.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(written, path)
        os.replace(beside, card_file)
    return ExportResult(path, card_file, card, parity, rounded)


def check_replaceable(path: Path, *, overwrite: bool) -> None:
    """Raises ExportError: a folder is in the way, or a file that is not to be replaced."""
    if path.is_dir():
        raise ExportError(f"{path} is a folder", fix="name a file (-o FILE)")
    if path.exists() and not overwrite:
        raise ExportError(f"{path} is there already", fix="choose another -o FILE, or --overwrite it")


def _num_samples(model: MetaTransformer) -> int:
    at_once = None if model.head is None else model.head.samples_at_once
    return 256 if at_once is None else 8 if at_once == 1 else 32


def _signature(model: MetaTransformer, items: Sequence[Mapping[str, Tensor]]) -> Signature:
    if isinstance(model.head, SceneSegmentationHead):
        return signature_of_scene(model.tokenizer, items[0], model.head.sized_by)
    if model.head is not None and model.head.sized_by:
        return signature_of_alike(model.tokenizer, items, model.head.sized_by)
    return signature_of(model.tokenizer, items)


def _check_options(to: str, int8: bool, samples: int | None) -> None:
    if to not in get_args(To):
        raise OptionError(f"there is no export to {to!r}", fix=f"use {' or '.join(get_args(To))}")
    if int8 and to != "onnx":
        raise OptionError("int8 is for ONNX Runtime, and a program of torch.export stays in float32", fix="--to onnx")
    if samples is not None and samples < 1:
        raise OptionError(f"samples={samples}: the file is to be compared with the model", fix="give 1 or more")


def _file(run: str | Path | MetaTransformer, to: To, file: str | Path | None) -> Path:
    if file is None and isinstance(run, MetaTransformer) and not run.run:
        raise OptionError("this model has no run folder to write to", fix="name a file")
    folder = run.run if isinstance(run, MetaTransformer) else run
    path = Path(folder, f"model{SUFFIXES[to]}") if file is None else Path(file)
    if path.suffix == ".json":
        raise OptionError(
            f"{path}: the card gets this name", fix=f"call the file {path.with_suffix(SUFFIXES[to]).name}"
        )
    return path


def _loaded(run: str | Path | MetaTransformer, encoder: str | Path | Encoder | None) -> MetaTransformer:
    if isinstance(run, MetaTransformer):
        model = deepcopy(run).to("cpu").eval()  # tracing is to leave nothing behind
        model.trained_on = run.trained_on  # with its data, which no copy takes along
    else:
        from mt_core.training import load_run

        model = load_run(run, encoder=encoder)
    model.requires_grad_(False)
    _check_sizes(model)
    wrapped = [hook for hook in ("mt_tokenize", "mt_encode", "mt_predict") if hooks.is_wrapped(hook)]
    if wrapped:
        raise ExportError(
            f"plugins in use act around {', '.join(wrapped)}, and a graph would leave out what they do",
            fix="export without them (MT_PLUGINS, or mt --no-plugins)",
        )
    return model


def _check_sizes(model: MetaTransformer) -> None:
    """Refuse a head whose answers have the size of the sample, unless it names what says how large that is.

    Raises:
        ExportError: it answers for pixels, points or objects.
    """
    head = model.head
    if head is None or head.sized_by:
        return
    if head.task.kind == "detection" or getattr(head.task, "of", "places") != "places":
        raise ExportError(
            f"{type(head).__name__} answers for a sample at its own size, which is among the values of a batch, and a "
            "graph computes as much for each batch of a shape",
            fix="use the run itself: mt serve, or mt_core.load_run",
        )


def _written(
    program: ExportedProgram, signature: Signature, outputs: Sequence[Output], shapes: Shapes, to: To, folder: Path
) -> tuple[Path, Exported]:
    """The file, and what runs it."""
    path, names = folder / f"model{SUFFIXES[to]}", [output.name for output in outputs]
    if to == "torch":
        write_torch(program, path)
        return path, TorchModel(path)
    write_onnx(program, signature.names, names, path)
    name_axes(path, {**shapes.inputs, **shapes.outputs})
    return path, OnnxModel(path, names)


def _rounded(exact: Path, outputs: Sequence[Output]) -> tuple[Path, Exported]:
    path = exact.with_name("int8.onnx")
    quantise(exact, path)
    return path, OnnxModel(path, [output.name for output in outputs])


def _require_parity(parity: Parity, model: MetaTransformer) -> None:
    if parity.max_error <= TOLERANCE:
        return
    worst = max(parity.errors, key=parity.errors.__getitem__)
    raise ExportError(
        f"the exported file does not compute what this {model.modality} model does: {worst} differs by "
        f"{parity.max_error:.2g}, and {TOLERANCE:g} is allowed; nothing was written",
        fix="try the other --to; and report this, with the run's modality and options, to the maintainers of mt-export",
    )


def _card(
    model: MetaTransformer,
    signature: Signature,
    outputs: Sequence[Output],
    shapes: Shapes,
    held: Samples,
    parity: Parity,
    rounded: Parity | None,
) -> dict[str, Any]:
    inputs: Mapping[str, Tensor] = signature.example
    postprocessing = postprocessing_of(model.head)
    return {
        "format": FORMAT,
        "file": {},
        "inputs": input_cards(inputs, shapes.inputs, signature.alike),
        "outputs": output_cards(outputs, shapes.outputs),
        "axes": {name: {"least": least, "most": most} for name, (least, most) in shapes.ranges.items()},
        "parity": {"samples_of": held.source, "tolerance": TOLERANCE, **asdict(parity)},
        **({} if rounded is None else {"int8": asdict(rounded)}),
        **({} if postprocessing is None else {"postprocessing": postprocessing}),
        **model_card(model),
    }


def _of_file(path: Path, to: To, int8: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {"kind": to, "precision": "int8" if int8 else "float32"}
    if to == "onnx":
        facts |= {"opset": opset_of(path), **{name: version(name) for name in ("onnx", "onnxruntime")}}
    return {**facts, "bytes": path.stat().st_size, "sha256": sha256_of(path)}


@contextmanager
def _folder_beside(path: Path) -> Iterator[Path]:
    """A folder that is gone afterwards, on the disk that the file is to be on."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise ExportError(f"{path} cannot be written ({error})", fix="choose another -o FILE") from error
    try:
        yield folder
    except OSError as error:
        raise ExportError(f"{path} cannot be written ({error})", fix="check the disk's room and your rights") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
