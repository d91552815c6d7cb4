"""A model whose encoder is computed by another backend, held once against torch's float32 on the data themselves."""

from __future__ import annotations

import threading
import weakref
from typing import Any

import torch
from torch import Tensor

from mt_core.data.precision import Precision, has_bf16
from mt_core.data.precision_choice import LEAST_COSINE
from mt_core.data.precision_probe import calibration_tokens, lowest_cosine
from mt_core.encoder import Encoder
from mt_core.encoder.backend_names import BACKENDS
from mt_core.encoder.backends import first_line, make_runner
from mt_core.encoder.block_stack import Runner
from mt_core.encoder.vit import Groups
from mt_core.errors import EncoderError, MtError
from mt_core.model import MetaTransformer

# by the blocks, which all encoders of shared weights have in common, and then by what the runner was made for
_made: weakref.WeakKeyDictionary[Any, dict[Any, Runner]] = weakref.WeakKeyDictionary()
_making = threading.Lock()


def with_precision(model: MetaTransformer, precision: Precision) -> MetaTransformer:
    """The model, for work without gradients: itself for 32 and bf16, else one that shares its parts and whose encoder
    is computed by the backend.

    The first batch is also computed in float32; where a vector of it is no longer the same (its cosine is below
    `LEAST_COSINE`), that is an error.

    Args:
        precision: As `resolve_precision` gave it.

    Raises:
        EncoderError: the backend cannot compute this encoder.
        MissingDependencyError: its runtime is not installed.
    """
    encoder = model.encoder
    if precision not in BACKENDS or not encoder.depth:
        return model
    exact = encoder.with_runner(None)
    return model.with_encoder(exact.with_runner(_Checked(_runner(exact, precision), precision, exact)))


def _runner(encoder: Encoder, precision: str) -> Runner:
    key = (precision, encoder.fingerprint, encoder.layers, encoder.is_frozen, torch.get_num_threads())
    with _making:
        made = _made.setdefault(encoder.blocks, {})
        if key not in made:
            device = next(encoder.parameters()).device
            made[key] = make_runner(encoder, precision, calibration_tokens(encoder), has_bf16=has_bf16(device))
        return made[key]


class _Checked:
    """A runner whose first output is held against float32."""

    def __init__(self, runner: Runner, precision: str, exact: Encoder) -> None:
        self.runner, self.precision, self.exact = runner, precision, exact
        self.is_checked = False

    def __call__(self, values: Tensor, groups: Groups | None) -> Tensor:
        try:
            output = self.runner(values, groups)
        except MtError:
            raise
        except Exception as error:  # whatever a runtime raises
            raise EncoderError(
                f"{self.precision} failed: {first_line(error)}", fix="use precision 32 or bf16"
            ) from error
        if not self.is_checked:
            self._check(values, groups, output)
            self.is_checked = True
        return output

    def _check(self, values: Tensor, groups: Groups | None, output: Tensor) -> None:
        if not output.numel():
            return
        with torch.no_grad():
            expected = self.exact._run_blocks(values, groups)
        if not bool(expected.isfinite().all()):
            return  # of tokens that are not finite, nothing is
        width = self.exact.width
        found = lowest_cosine(_vectors(output, groups, width), _vectors(expected, groups, width))
        if not found >= LEAST_COSINE:
            raise EncoderError(
                f"{self.precision} changes the vectors of these samples: cosine {found:.4f} to those of 32, at least "
                f"{LEAST_COSINE} wanted",
                fix="use precision 32 or bf16",
            )


def _vectors(output: Tensor, groups: Groups | None, width: int) -> list[Tensor]:
    """The first token and the mean of the tokens of each row, (R, layers, D) each."""
    if groups is None:
        rows = [output]
    else:
        parts = torch.split(output, [rows * length for rows, length in groups])
        rows = [part.view(*group, -1) for part, group in zip(parts, groups, strict=True)]
    vectors = [each for part in rows for each in (part[:, 0], part.mean(1))]
    return [each.reshape(len(each), -1, width) for each in vectors]
