"""What is seen of each band.  F features, C bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

Feature = Literal["shape", "derivative"]

_SMALLEST = 1e-6  # deviation, in a spectrum's largest value: what varies less is flat


def features_of(spectra_XC: Tensor, wanted: Sequence[Feature]) -> Tensor:
    """Spectra of any leading axes to (..., F, C): the values, then what is wanted, in order.

    shape is the standard normal variate of chemometrics (Barnes, Dhanoa and Lister 1989): each spectrum less its own
    mean, in its own standard deviations; a flat spectrum gives zeros.
    """
    features = [spectra_XC]
    for name in wanted:
        features.append(_shape(spectra_XC) if name == "shape" else _derivative(spectra_XC))
    return torch.stack(features, dim=-2)


def _shape(spectra_XC: Tensor) -> Tensor:
    largest = spectra_XC.abs().amax(-1, keepdim=True)
    scaled = spectra_XC / largest.clamp(min=torch.finfo(largest.dtype).tiny)  # so that no sum overflows
    centred = scaled - scaled.mean(-1, keepdim=True)
    deviation = centred.square().mean(-1, keepdim=True).sqrt()
    return torch.where(deviation > _SMALLEST, centred / deviation.clamp(min=_SMALLEST), 0.0)


def _derivative(spectra_XC: Tensor) -> Tensor:
    """Half the difference of a band's neighbours, at the ends the difference to the one neighbour.

    Per band it is standardised afterwards, so the distance of the bands in nanometres drops out.
    """
    inner = (spectra_XC[..., 2:] - spectra_XC[..., :-2]) / 2
    first, last = spectra_XC[..., 1:2] - spectra_XC[..., :1], spectra_XC[..., -1:] - spectra_XC[..., -2:-1]
    return torch.cat([first, inner, last], dim=-1)
