"""Packed against padded execution of the frozen encoder.

    python benchmarks/packed_encoder.py [--repeats 5] [--threads N]

A batch of 64 rows of 16 to 390 tokens, 73 % of it padding, through ViT-Tiny in float32. Padded: timm's own blocks on
(B, N, D) with a boolean attention mask. Both run in turn, the best time of each counts. By default on one thread: where
cores are busy, several threads wait for each other at every one of the many small calls of packed attention.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import timm
import torch
from machine import machine
from torch import Tensor, nn

from mt_core.contract import Tokens
from mt_core.encoder import Encoder, load_encoder, tiny

ROWS, SHORTEST, LONGEST, SKEW = 64, 16, 390, 3.2
WANTED = 2.5


def draw_lengths() -> Tensor:
    """(ROWS,) lengths, many short and a few long."""
    lengths = (SHORTEST + (LONGEST - SHORTEST) * torch.linspace(0, 1, ROWS) ** SKEW).round().long()
    return lengths[torch.randperm(ROWS, generator=torch.Generator().manual_seed(0))]


def run_padded(encoder: Encoder, blocks: nn.Sequential, tokens: Tokens) -> Tensor:
    assert tokens.mask is not None and encoder.prefix is not None and encoder.prefix_positions is not None
    prefix = (encoder.prefix + encoder.prefix_positions).expand(len(tokens.values), -1, -1)
    mask = torch.cat([tokens.mask.new_ones(len(prefix), prefix.shape[1]), tokens.mask], dim=1)
    mask = mask[:, None, None, :].expand(-1, 1, mask.shape[1], -1)
    values = torch.cat([prefix, tokens.values], dim=1)
    for block in blocks:
        values = block(values, attn_mask=mask)
    features: Tensor = encoder.norm(values)
    return features[:, prefix.shape[1] :] * tokens.mask.unsqueeze(-1)


def best_times(runs: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The shortest of several times of each, in seconds; run in turn, so that a busy moment meets all."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(repeats):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description="packed against padded execution of the frozen encoder")
    parser.add_argument("--repeats", type=int, default=5, help="times that each is run")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    encoder = load_encoder()
    blocks = timm.create_model(tiny.ARCHITECTURE).eval().requires_grad_(False).blocks
    blocks.load_state_dict(encoder.blocks.state_dict())
    lengths = draw_lengths()
    mask = torch.arange(LONGEST) < lengths.unsqueeze(1)
    values = torch.randn(ROWS, LONGEST, encoder.width, generator=torch.Generator().manual_seed(0))
    leaf = values.clone().requires_grad_()
    quiet, learning = Tokens(values, mask), Tokens(leaf, mask)
    print(f"{machine()}; {ROWS} rows of {SHORTEST} to {LONGEST} tokens, {1 - mask.float().mean():.0%} padding")

    with torch.no_grad():
        difference = (run_padded(encoder, blocks, quiet) - encoder(quiet).tokens).abs().max()
        forward = best_times(
            {"padded": lambda: run_padded(encoder, blocks, quiet), "packed": lambda: encoder(quiet)}, options.repeats
        )
    both = best_times(
        {
            "padded": lambda: torch.autograd.grad(run_padded(encoder, blocks, learning).sum(), leaf),
            "packed": lambda: torch.autograd.grad(encoder(learning).tokens.sum(), leaf),
        },
        options.repeats,
    )
    print(f"largest difference {difference:.1e}")
    for what, best in (("forward", forward), ("forward and backward", both)):
        ratio = best["padded"] / best["packed"]
        times = f"padded {best['padded']:.2f} s, packed {best['packed']:.2f} s"
        print(f"{what}: {times}, {ratio:.2f} times as fast (at least {WANTED} wanted)")


if __name__ == "__main__":
    main()
