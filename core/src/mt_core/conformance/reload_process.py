"""A tokenizer restored in another process from what a run saves of it.

`save` writes a folder; `main`, in the other process, makes the tokenizer from it and writes its tokens there.

    tokenizer.json        class, width, options, calibration
    weights.safetensors   its state
    batch.safetensors     its input
    tokens.safetensors    its tokens in the other process
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from mt_core.conformance.new_process import call_in_new_process
from mt_core.contract import Tokenizer, Tokens

_RECORD, _WEIGHTS = "tokenizer.json", "weights.safetensors"
BATCH, TOKENS = "batch.safetensors", "tokens.safetensors"

_OTHER_SEED = 1  # than the suite's: what was drawn and not saved comes out different


def save(folder: Path, reference: str, tokenizer: Tokenizer, batch: Mapping[str, Tensor]) -> None:
    """Write what a run saves of a tokenizer, and a batch for it.

    Args:
        reference: Its class, as a manifest names it.
    """
    record = {
        "class": reference,
        "width": tokenizer.width,
        "options": tokenizer.options.model_dump(mode="json"),
        "calibration": tokenizer.calibration(),
    }
    (folder / _RECORD).write_text(json.dumps(record), encoding="utf-8")
    write_tensors(folder / _WEIGHTS, tokenizer.state_dict())
    write_tensors(folder / BATCH, batch)


def tokens_in_new_process(folder: Path) -> tuple[dict[str, Tensor], str]:
    """The tokens that the saved tokenizer makes of the batch in a new process, and "" or why there are none."""
    problem = call_in_new_process(__name__, folder)
    return ({}, problem) if problem else (read_tensors(folder / TOKENS), "")


def restore(folder: Path) -> Tokenizer:
    """The tokenizer that was saved, made as a loaded run makes it: without an encoder and without calibrating."""
    record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    module, _, name = record["class"].partition(":")
    tokenizer_class: type[Tokenizer] = getattr(import_module(module), name)
    torch.manual_seed(_OTHER_SEED)
    tokenizer = tokenizer_class(record["width"], tokenizer_class.Options.parse(record["options"]))
    tokenizer.restore(record["calibration"])
    tokenizer.load_state_dict(read_tensors(folder / _WEIGHTS))
    return tokenizer.eval()


def tensors_of(tokens: Tokens) -> dict[str, Tensor]:
    """All parts of tokens, as tensors by name."""
    tensors = {"values": tokens.values.detach(), "views": torch.tensor(tokens.views)}
    optional = {"mask": tokens.mask, "coords": tokens.coords}
    tensors |= {name: tensor for name, tensor in optional.items() if tensor is not None}
    tensors |= {f"side {name}": tensor for name, tensor in tokens.side.items()}
    return tensors if tokens.grid is None else {**tensors, "grid": torch.tensor(tokens.grid)}


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    save_file({name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}, path)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, copied: those of a mapped file are aligned differently, which changes sums."""
    return {name: tensor.clone() for name, tensor in load_file(path).items()}


def main(folder: Path) -> None:
    """Write the tokens that the saved tokenizer makes of the batch."""
    with torch.no_grad():
        tokens: Tokens = restore(folder)(read_tensors(folder / BATCH))
    write_tensors(folder / TOKENS, tensors_of(tokens))
