"""A tokenizer made again in a new process from what a run keeps of it.

A folder goes to and fro: `keep` writes it, `python -m mt_core.conformance.reload_process FOLDER` makes the tokenizer
from it and writes its tokens beside.

    tokenizer.json        class, width, options, calibration
    weights.safetensors   its state
    batch.safetensors     what it is given
    tokens.safetensors    what it makes of that, in the new process
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from mt_core.contract import Tokenizer, Tokens

RECORD, WEIGHTS, BATCH, TOKENS = "tokenizer.json", "weights.safetensors", "batch.safetensors", "tokens.safetensors"

_LONGEST = 300.0  # seconds to import torch and a plugin, on a busy machine
_OTHER_SEED = 1  # than the suite's: what was drawn and not kept comes out otherwise


def in_new_process(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run this Python in a folder, with the modules that are found here, on one thread."""
    found = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **found, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_LONGEST,
    )


def keep(folder: Path, reference: str, tokenizer: Tokenizer, batch: Mapping[str, Tensor]) -> None:
    """Write what a run keeps of a tokenizer, and a batch for it."""
    record = {
        "class": reference,
        "width": tokenizer.width,
        "options": tokenizer.options.model_dump(mode="json"),
        "calibration": tokenizer.calibration(),
    }
    (folder / RECORD).write_text(json.dumps(record), encoding="utf-8")
    write_tensors(folder / WEIGHTS, tokenizer.state_dict())
    write_tensors(folder / BATCH, batch)


def make_again(folder: Path) -> Tokenizer:
    """The tokenizer that was kept, as a run that is loaded makes it: nothing is adopted nor calibrated."""
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    module, _, name = record["class"].partition(":")
    tokenizer_class: type[Tokenizer] = getattr(import_module(module), name)
    torch.manual_seed(_OTHER_SEED)
    tokenizer = tokenizer_class(record["width"], tokenizer_class.Options.parse(record["options"]))
    tokenizer.restore(record["calibration"])
    tokenizer.load_state_dict(read_tensors(folder / WEIGHTS))
    return tokenizer.eval()


def tensors_of(tokens: Tokens) -> dict[str, Tensor]:
    """All that tokens are, as tensors by name."""
    tensors = {"values": tokens.values.detach(), "views": torch.tensor(tokens.views)}
    optional = {"mask": tokens.mask, "coords": tokens.coords}
    tensors |= {name: tensor for name, tensor in optional.items() if tensor is not None}
    tensors |= {f"side {name}": tensor for name, tensor in tokens.side.items()}
    return tensors if tokens.grid is None else {**tensors, "grid": torch.tensor(tokens.grid)}


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    save_file({name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}, path)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, in memory of their own: a mapped file is aligned otherwise, and sums with it."""
    return {name: tensor.clone() for name, tensor in load_file(path).items()}


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    with torch.no_grad():
        tokens: Tokens = make_again(folder)(read_tensors(folder / BATCH))
    write_tensors(folder / TOKENS, tensors_of(tokens))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
