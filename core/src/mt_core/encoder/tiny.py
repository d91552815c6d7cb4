"""mt-tiny: the pretrained encoder that comes with this package.  What it is and is not: docs/mt-tiny.md."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mt_core.encoder.encoder import Encoder
from mt_core.encoder.layouts import load_file
from mt_core.encoder.names import TINY
from mt_core.errors import FingerprintError

ARCHITECTURE = "vit_tiny_patch16_224"
FILE = Path(__file__).with_name("mt-tiny.safetensors")
SHA256 = "60f9b1b7a3d439512f68458396d2d5608db211c91da7afe96399f56a4ca211d7"
"""Of the file."""

SIZE = 64
"""Side in pixels of the pictures that it was trained on; its positions are those of 224, interpolated in training."""


def load_tiny() -> Encoder:
    """A ViT-Tiny pretrained on pictures drawn from formulas, by `mt pretrain`.

    Raises:
        FingerprintError: the file is missing, or is not the one that was released, to the bit.
    """
    found = hashlib.sha256(FILE.read_bytes()).hexdigest() if FILE.is_file() else "none"
    if found != SHA256:
        problem = f"{FILE} is not the file that was released (its SHA-256 is {found}, not {SHA256})"
        raise FingerprintError(problem, fix="reinstall it: pip install --force-reinstall --no-deps mt-core")
    encoder = load_file(FILE, name=TINY, architecture=ARCHITECTURE)
    encoder.native_size = SIZE
    encoder.description = "mt-tiny, a ViT-Tiny pretrained on formula-drawn pictures"
    return encoder
