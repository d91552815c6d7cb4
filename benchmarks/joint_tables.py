"""Pretraining on drawn tables beside drawn pictures: does an encoder that saw tables serve tables better?

    python benchmarks/joint_tables.py --out runs/tables [--steps 800] [--score CIFAR-10-images]
    python benchmarks/transfer.py measure --seed 0 --encoder runs/tables/encoder.safetensors --out runs/transfer.jsonl

The pictures and their objective are those of `mt pretrain`. A row of a table has twelve numbers, correlated and skewed;
each becomes a token, by an embedding that is learned beside the encoder. What is told from the mean of the tokens are
128 random functions, each of one to four columns. docs/mt-tiny.md says what came of it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from machine import machine
from torch import Tensor, nn
from torch.nn import functional

from mt_core.model import seeded
from mt_pretrain import PretrainRecipe
from mt_pretrain.formulas.callback import PretrainCallback
from mt_pretrain.formulas.module import FormulaModule
from mt_pretrain.formulas.scoring import open_pictures
from mt_pretrain.formulas.training import run_steps

COLUMNS, FUNCTIONS, HIDDEN, ROWS, FREQUENCIES = 12, 128, 12, 48, 8
CALIBRATION = 4096
"""Rows by which functions are standardised."""


class Tables(nn.Module):
    """Rows, and what random networks of one hidden layer make of a few of their columns.  B batch, C columns,
    K functions, H hidden units."""

    mixing_CC: Tensor
    skew_C: Tensor
    first_KHC: Tensor
    offset_KH: Tensor
    last_KH: Tensor

    def __init__(self, seed: int) -> None:
        super().__init__()
        drawn = torch.Generator().manual_seed(seed)
        self.register_buffer(
            "mixing_CC", torch.eye(COLUMNS) + 0.4 * torch.randn(COLUMNS, COLUMNS, generator=drawn), persistent=False
        )
        self.register_buffer("skew_C", torch.linspace(0.05, 1, COLUMNS), persistent=False)
        active = torch.zeros(FUNCTIONS, 1, COLUMNS)
        for index in range(FUNCTIONS):
            active[index, 0, torch.randperm(COLUMNS, generator=drawn)[: 1 + index % 4]] = 1
        first = torch.randn(FUNCTIONS, HIDDEN, COLUMNS, generator=drawn) * active
        self.register_buffer("first_KHC", first, persistent=False)
        self.register_buffer("offset_KH", torch.randn(FUNCTIONS, HIDDEN, generator=drawn), persistent=False)
        self.register_buffer("last_KH", torch.randn(FUNCTIONS, HIDDEN, generator=drawn), persistent=False)
        values = self._raw(self.rows(drawn, CALIBRATION))
        self.mean, self.std = values.mean(0), values.std(0)

    def rows(self, drawn: torch.Generator, count: int) -> Tensor:
        """(B, C) about standardised; the last columns have heavy tails."""
        normal = torch.randn(count, COLUMNS, generator=drawn) @ self.mixing_CC.T
        return torch.sinh(normal / 1.5 * self.skew_C) / self.skew_C

    def functions(self, rows_BC: Tensor) -> Tensor:
        """(B, K) standardised."""
        return ((self._raw(rows_BC) - self.mean) / self.std).clamp(-4, 4)

    def _raw(self, rows_BC: Tensor) -> Tensor:
        hidden = torch.einsum("bc,khc->bkh", rows_BC, self.first_KHC) + self.offset_KH
        smooth, bent, waved = hidden.split(HIDDEN // 3, dim=2)
        return (
            torch.cat([torch.tanh(2 * smooth), functional.relu(bent), torch.sin(1.5 * waved)], 2) * self.last_KH
        ).sum(2)


class ColumnTokens(nn.Module):
    """(B, C) numbers to (B, C, D) tokens: a learned linear map, a column its own, of the number, sines and cosines."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.075 * torch.randn(COLUMNS, 1 + 2 * FREQUENCIES, width))
        self.bias = nn.Parameter(0.1 * torch.randn(COLUMNS, width))

    def forward(self, rows_BC: Tensor) -> Tensor:
        angles = rows_BC[..., None] * torch.linspace(0.3, 3, FREQUENCIES)
        features = torch.cat([rows_BC[..., None], angles.sin(), angles.cos()], -1)
        return 3 * (torch.einsum("bcf,cfd->bcd", features, self.weight) + self.bias)


class PicturesAndTables(FormulaModule):
    """The loss of pictures plus that of tables."""

    def __init__(self, recipe: PretrainRecipe) -> None:
        super().__init__(recipe)
        self.tables = Tables(recipe.seed)
        with seeded(recipe.seed):
            self.heads["columns"] = ColumnTokens(self.vit.embed_dim)
            self.heads["functions"] = nn.Linear(self.vit.embed_dim, FUNCTIONS)
        self.table_losses: list[float] = []

    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        rows = self.tables.rows(torch.Generator().manual_seed(self.recipe.seed + 1 + self.global_step), ROWS)
        tokens_BCD = self.vit.norm(self.vit.blocks(self.heads["columns"](rows)))
        told = self.heads["functions"](tokens_BCD.mean(1)).float()
        loss = functional.smooth_l1_loss(told, self.tables.functions(rows))
        self.table_losses.append(loss.item())
        return super().training_step(batch, batch_index) + loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--score", type=Path, action="append", default=[])
    arguments = parser.parse_args()
    print(machine())
    recipe = PretrainRecipe(steps=arguments.steps, precision="bf16", score_every=arguments.steps)
    module = PicturesAndTables(recipe)
    arguments.out.mkdir(parents=True, exist_ok=True)
    between = PretrainCallback(arguments.out, open_pictures(arguments.score, recipe.size), show=True)
    run_steps(module, between, torch.device("cpu"))
    first, last = module.table_losses[:50], module.table_losses[-50:]
    print(f"loss of tables: {sum(first) / len(first):.3f} in the first steps, {sum(last) / len(last):.3f} in the last")


if __name__ == "__main__":
    main()
