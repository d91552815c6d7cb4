"""A backend by its name: what computes an encoder's blocks forward in place of torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from mt_core.encoder.backend_names import is_installed
from mt_core.encoder.onednn_blocks import OneDnnBlocks
from mt_core.encoder.plain_blocks import LINEARS, plain_blocks
from mt_core.encoder.quantization import BEHIND_NORMS, observed_ranges
from mt_core.errors import EncoderError, MissingDependencyError, MtError

if TYPE_CHECKING:
    from mt_core.contract import Tokens
    from mt_core.encoder.block_stack import Runner
    from mt_core.encoder.encoder import Encoder


def make_runner(encoder: Encoder, backend: str, calibration: Sequence[Tokens], *, has_bf16: bool) -> Runner:
    """What computes an encoder's blocks at its layers. It holds copies of the weights: of a frozen encoder alone.

    Args:
        backend: One of `BACKENDS`.
        calibration: Tokens whose activations int8 is made for.
        has_bf16: Whether the device computes in bfloat16 itself.

    Raises:
        EncoderError: it cannot compute this encoder, or fails; what it raised is in the message.
        MissingDependencyError: it is not installed.
    """
    name, _, arithmetic = backend.partition("-")
    if not is_installed(backend):
        raise MissingDependencyError(f"{name} is not installed", fix=f"pip install 'mt-core[{name}]'")
    if not encoder.is_frozen:
        raise EncoderError(f"the encoder {encoder.name} is not frozen", fix="use precision 32 or bf16")
    if encoder._dtype() != torch.float32:
        raise EncoderError(f"the weights of {encoder.name} are not float32", fix="use precision 32")
    try:
        return _made(encoder, name, arithmetic, calibration, has_bf16)
    except MtError:
        raise
    except Exception as error:  # whatever a runtime raises
        raise EncoderError(f"{backend} failed: {first_line(error)}", fix="use precision 32 or bf16") from error


def _made(encoder: Encoder, name: str, arithmetic: str, calibration: Sequence[Tokens], has_bf16: bool) -> Runner:
    plain = plain_blocks(encoder)
    if name == "onednn":
        return OneDnnBlocks(plain, torch.float32 if arithmetic == "32" else torch.bfloat16)
    from mt_core.encoder.openvino_blocks import OpenVinoBlocks

    rounded = has_bf16 and arithmetic != "32"
    fallback = OneDnnBlocks(plain, torch.bfloat16 if rounded else torch.float32)
    ranges = {}
    if arithmetic.startswith("int8"):
        quantised = LINEARS if arithmetic == "int8" else BEHIND_NORMS
        seen = observed_ranges(encoder.with_runner(None), calibration)
        ranges = {which: found for which, found in seen.items() if which[1] in quantised}
    return OpenVinoBlocks(plain, "bf16" if rounded else "f32", fallback, ranges)


def first_line(error: BaseException) -> str:
    """What a library's exception says first."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
