"""Features computed once, for what is trained on them alone, and kept on disk by their content.

Where tokenizer and encoder are both fixed, a sample's vector depends on the encoder's weights, the tokenizer's, the
pooling and the prepared sample: a hash over those names the file that holds it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mt_core import hooks
from mt_core.contract import ModalityDataset, Pool
from mt_core.data.loader import Batch, Loader, check_failures
from mt_core.data.precision import Precision
from mt_core.data.reading import skipped
from mt_core.data.samplers import SeededOrder
from mt_core.errors import InputError, MtError
from mt_core.io.notices import relay
from mt_core.io.progress import progress
from mt_core.model import MetaTransformer


def cache_folder() -> Path:
    """`$MT_CACHE`, by default `mt` in the user's cache folder."""
    if "MT_CACHE" in os.environ:
        return Path(os.environ["MT_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mt"


def pooled_features(
    model: MetaTransformer,
    dataset: ModalityDataset,
    pool: Pool,
    *,
    precision: Precision,
    skip_unreadable: bool,
    show_progress: bool,
    failed: list[MtError],
    **reading: Any,
) -> tuple[Tensor, Tensor]:
    """(n, P) vectors and (n, …) stacked targets of all samples that can be read, in order.

    Args:
        failed: The errors of the samples that are skipped are added here.
        reading: How the `Loader` reads.
    """
    identity = f"{model.encoder.fingerprint} {model.tokenizer_fingerprint()} {pool} {precision}"
    folder = cache_folder() / "features" / hashlib.sha256(identity.encode()).hexdigest()[:32]
    vectors, targets = [], []
    model.eval()
    with Loader(dataset, model.tokenizer, **reading) as batches, torch.inference_mode():
        for batch in progress(batches, "features", total=len(batches), enabled=show_progress):
            readable = check_failures(batch, skip=skip_unreadable)
            failed += readable["failed"]
            relay([skipped(error) for error in readable["failed"]])
            if not readable["inputs"]:
                continue
            with torch.autocast(model.device.type, torch.bfloat16, enabled=precision == "bf16"):
                vectors.append(_vectors_of(model, readable, pool, folder))
            targets.append(readable["target"])
    if not vectors:
        raise InputError(f"{dataset.source}: none of its samples can be read", fix=failed[0].fix)
    # clones: a tensor of inference mode cannot be trained on
    return torch.cat(vectors).clone(), torch.cat(targets).clone()


def _vectors_of(model: MetaTransformer, batch: Batch, pool: Pool, folder: Path) -> Tensor:
    path = folder / f"{_digest(batch['inputs'])}.safetensors"
    # what a plugin's hooks make of a batch is in no fingerprint
    is_kept = not (hooks.is_wrapped("mt_tokenize") or hooks.is_wrapped("mt_encode"))
    if is_kept:
        try:
            return load_file(path)["vectors"]
        except (OSError, SafetensorError, KeyError):
            pass  # not computed yet, or not whole: computed again
    inputs = {name: tensor.to(model.device) for name, tensor in batch["inputs"].items()}
    vectors = model.encode(inputs).pool(pool).float().cpu()
    if not is_kept:
        return vectors
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    save_file({"vectors": vectors.contiguous()}, unfinished)
    os.replace(unfinished, path)
    return vectors


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.view(torch.uint8).numpy().data if tensor.ndim else tensor.numpy().tobytes())
    return digest.hexdigest()[:40]


class VectorLoader:
    """Batches of vectors: in order, or with `train_seed` shuffled by it and by the epoch."""

    def __init__(self, vectors: Tensor, targets: Tensor, *, batch_size: int, train_seed: int | None = None) -> None:
        self.vectors, self.targets, self.batch_size = vectors, targets, batch_size
        self._order = SeededOrder(len(vectors), train_seed) if train_seed is not None else None

    def __len__(self) -> int:
        return -(-len(self.vectors) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        return self.epoch(0)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of one epoch."""
        order = self._order.positions(epoch) if self._order is not None else range(len(self.vectors))
        for positions in torch.tensor(order).split(self.batch_size):  # type: ignore[no-untyped-call]
            yield Batch(inputs={"pooled": self.vectors[positions]}, target=self.targets[positions], failed=[])

    def close(self) -> None:
        """Nothing is open."""
