"""The card of an exported file: all that a program needs to call it, as JSON."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import Tensor

from mt_core.model import MetaTransformer
from mt_core.plugins import get
from mt_export.answers import Output
from mt_export.signature import MASK

FORMAT = 1
"""Number of the card's layout."""

Shape = list[int | str]
"""Extents; a name for one that varies. Axes of one name have one extent."""


def model_card(model: MetaTransformer) -> dict[str, Any]:
    """What was exported: modality, task, encoder, and how samples become inputs."""
    plugin, head, tokenizer = get(model.modality), model.head, model.tokenizer
    return {
        "modality": model.modality,
        "model": model.description,
        "run": model.run or None,
        "task": None if head is None else head.task.model_dump(mode="json"),
        "encoder": {
            "name": model.encoder.name,
            "description": model.encoder.description,
            **model.encoder.choices,
            "fingerprint": model.encoder.fingerprint,
        },
        "tokenizer": {"class": _name(tokenizer), "fingerprint": model.tokenizer_fingerprint()},
        "head": head and {"class": _name(head), "options": head.options.model_dump(mode="json")},
        "preprocessing": {
            "what": "read makes a sample of a file, prepare its tensors, collate a batch: the inputs of the graph. "
            "Options and calibration are those of the run.",
            **{step: inspect.getdoc(getattr(type(tokenizer), step)) for step in ("read", "prepare", "collate")},
            "options": {
                name: {"value": value, "meaning": type(tokenizer.options).model_fields[name].description}
                for name, value in tokenizer.options.model_dump(mode="json").items()
            },
            "calibration": tokenizer.calibration(),
        },
        "versions": {name: version(name) for name in ("mt-core", plugin.distribution, "mt-export", "torch")},
    }


def input_cards(
    inputs: Mapping[str, Tensor], shapes: Mapping[str, Shape], alike: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Name, type, shape and meaning of each input; `alike` are the same for all samples of a batch."""
    return [
        {
            "name": name,
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "shape": shapes[name],
            "meaning": f"True where {name.removesuffix(MASK)} is real, False where it is padding"
            if name.endswith(MASK) and name.removesuffix(MASK) in inputs
            else "see preprocessing" + ("; the same for all samples of a batch" if name in alike else ""),
        }
        for name, tensor in inputs.items()
    ]


def output_cards(outputs: Sequence[Output], shapes: Mapping[str, Shape]) -> list[dict[str, Any]]:
    """Name, type, shape and meaning of each output, and what the places of its last axis are."""
    return [
        {
            "name": output.name,
            "dtype": "float32",
            "shape": shapes[output.name],
            "meaning": output.meaning,
            **({"names": list(output.names)} if output.names else {}),
            **({"unit": output.unit} if output.unit else {}),
        }
        for output in outputs
    ]


def sha256_of(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name(part: object) -> str:
    return f"{type(part).__module__}:{type(part).__qualname__}"
