"""Bags to tokens: a token a reading, which is told of the largest one of its bag; channels are views.

B bags, V channels, N readings, D width.
"""

from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from torch import nn

from mt_core.contract import Options, Tokenizer, Tokens, name_of, only_one, reading
from mt_core.errors import InputError, OptionError

MAX_BYTES = 1 << 24


class SpecimenOptions(Options):
    noise: float = Field(default=0.01, ge=0, description="Standard deviation of the noise added in training.")


class SpecimenTokenizer(Tokenizer):
    Options = SpecimenOptions
    options: SpecimenOptions

    def __init__(self, width, options=None):
        super().__init__(width, options)
        self.stem = nn.Sequential(nn.Linear(4, 16), nn.GELU(), nn.Linear(16, width))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("shift", torch.zeros(()))
        self.is_calibrated = False

    def read(self, source):
        return only_one(self.stream(source), source, "bag")

    def stream(self, source):
        with reading(source, formats=".npy .csv"):
            values = self._values(source)
        for bag in values if values.ndim == 3 else [values]:
            if bag.ndim != 2 or not bag.size or bag.dtype.kind not in "fiu":
                raise InputError(f"{name_of(source)} holds no readings x channels", fix="give numbers on two axes")
            if not np.isfinite(bag).all():
                raise InputError(f"{name_of(source)} holds readings that are not finite", fix="leave them out")
            yield bag.astype(np.float32)

    def _values(self, source):
        if not isinstance(source, str | Path):
            return np.asarray(source)
        path = Path(source)
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{source} is larger than {MAX_BYTES} bytes", fix="split it")
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        if path.suffix == ".csv":
            return np.loadtxt(path, delimiter=",", ndmin=2, dtype=np.float32)
        raise InputError(f"{source} is of no format read here", fix="give .npy or .csv")

    def prepare(self, sample, generator=None):
        readings = torch.from_numpy(sample)
        if not readings.isfinite().all():
            raise InputError("readings that are not finite", fix="leave them out")
        if generator is not None:
            readings = readings + self.options.noise * torch.randn(readings.shape, generator=generator)
        return {"readings": readings, "largest": readings.abs().max()}

    def collate(self, items):
        rows, views = (max(item["readings"].shape[axis] for item in items) for axis in (0, 1))
        readings = torch.zeros(len(items), views, rows)
        mask = torch.zeros(len(items), views, rows, dtype=torch.bool)
        for index, item in enumerate(items):
            count, channels = item["readings"].shape
            readings[index, :channels, :count] = item["readings"].T
            mask[index, :channels, :count] = True
        return {"readings": readings, "mask": mask, "largest": torch.stack([item["largest"] for item in items])}

    def forward(self, batch):
        if not self.is_calibrated:
            raise OptionError("the scales of the readings are not known", fix="train first, or call calibrate")
        views = batch["readings"].shape[1]
        values_RN = ((batch["readings"] - self.shift) / self.scale).flatten(0, 1)
        mask_RN = batch["mask"].flatten(0, 1)
        largest_RN = (batch["largest"] / self.scale).repeat_interleave(views)[:, None].expand_as(values_RN)
        numbers_RN4 = torch.stack([values_RN, values_RN.square(), values_RN.sin(), largest_RN], dim=-1)
        side = {"count": batch["mask"].sum((1, 2))}
        return Tokens(self.stem(numbers_RN4), mask=mask_RN, coords=values_RN.unsqueeze(-1), views=views, side=side)

    def calibrate(self, examples):
        readings = np.concatenate([self.read(example.sample).ravel() for example in examples])
        self.restore({"scale": float(readings.std()) or 1.0, "shift": float(readings.mean())})

    def calibration(self):
        return {"scale": float(self.scale), "shift": float(self.shift)} if self.is_calibrated else {}

    def restore(self, calibration):
        self.scale.fill_(calibration["scale"])
        self.shift.fill_(calibration["shift"])
        self.is_calibrated = True

    def init_from_encoder(self, encoder):
        with torch.no_grad():
            self.stem[2].bias.copy_(encoder.prefix[0] if encoder.prefix is not None else torch.zeros(self.width))

    def permuted(self, sample, generator):
        return sample[torch.randperm(len(sample), generator=generator).numpy()]

    def with_channels(self, sample, channels):
        return sample[:, np.arange(channels) % sample.shape[1]]
