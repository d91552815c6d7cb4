"""Series to tokens.  N tokens of 4 numbers each; an .npy file of two axes holds a series a row."""

from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from torch import nn

from mt_core.contract import Options, Tokenizer, Tokens, reading
from mt_core.errors import InputError
from mt_core.sdk.blocks import LearnedPositions


class ToyOptions(Options):
    dropout: float = Field(default=0.1, description="Share of a token's numbers dropped in training.")
    noise: float = Field(default=0.05, description="Standard deviation of the noise added in training.")


class ToyTokenizer(Tokenizer):
    Options = ToyOptions

    def __init__(self, width, options=None):
        super().__init__(width, options)
        self.project = nn.Linear(4, width)
        self.dropout = nn.Dropout(self.options.dropout)
        self.place = LearnedPositions(16, width)

    def read(self, source):
        with reading(source, formats=".npy"):
            series = np.load(source, allow_pickle=False) if isinstance(source, str | Path) else np.asarray(source)
        if series.ndim != 1 or len(series) < 4:
            raise InputError(f"{source} is not a series of at least 4 numbers", fix="give more numbers")
        return series.astype(np.float32)

    def stream(self, source):
        with reading(source, formats=".npy"):
            rows = np.atleast_2d(np.load(source, allow_pickle=False) if isinstance(source, str | Path) else source)
        for row in rows:
            yield self.read(row)

    def prepare(self, sample, generator=None):
        series = torch.from_numpy(sample[: len(sample) // 4 * 4])
        if generator is not None:
            series = series + self.options.noise * torch.randn(series.shape, generator=generator)
        return {"patches": series.reshape(-1, 4)}

    def forward(self, batch):
        mask = batch.get("patches_mask")
        return Tokens(self.place(self.project(self.dropout(batch["patches"])), mask=mask), mask=mask)
