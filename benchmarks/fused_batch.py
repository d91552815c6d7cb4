"""A mixed batch of items, packed against padded.

    python benchmarks/fused_batch.py [--repeats 5]

64 items of a photo, a text and a table row, most of which lack some of them: about 70 % of a padded batch is padding.
Padded: the same blocks on (items, tokens, width) with an attention mask. Both run in turn in one process, the best time
counts; memory is what autograd keeps for the backward pass, counted by its own hooks.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import timm
import torch
from machine import machine
from packed_encoder import best_times, run_padded
from torch import Tensor

import mt_core as mt
from mt_core.contract import Example, Tokens
from mt_core.encoder import tiny

ITEMS = 64
WANTED = 3.0


def mixed_tokens() -> Tokens:
    """Tokens of items that have a row each, two in five a text, and one in five a photo."""
    generator = np.random.default_rng(0)
    words = "a the of red blue large small thing for sale that nobody ever used before and after".split()
    items = []
    for at in range(ITEMS):
        item = {"facts": {"price": float(at), "size": float(at % 7), "age": float(at % 11)}}
        if at % 5 < 2:
            item["about"] = " ".join(generator.choice(words, int(generator.integers(20, 70))))
        if at % 5 == 0:
            item["photo"] = generator.integers(0, 255, (128, 128, 3)).astype(np.uint8)
        items.append(item)
    model = mt.load({"photo": "image", "about": "text", "facts": "tabular"}, **{"photo.size": 128})
    tokenizer = model.tokenizer.eval()
    tokenizer.calibrate([Example(item) for item in items])
    with torch.no_grad():
        tokens = tokenizer(tokenizer.collate([tokenizer.prepare(tokenizer.read(item)) for item in items]))
    return Tokens(tokens.values, tokens.mask)


def kept_bytes(run: Callable[[], Tensor]) -> int:
    """Bytes of the different tensors that autograd keeps until the backward pass, without weights."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, torch.nn.Parameter):
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = run()
    total = sum(kept.values())
    del output
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description="a mixed batch of items, packed against padded")
    parser.add_argument("--repeats", type=int, default=5, help="times that each is run")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    encoder = mt.load_encoder()
    blocks = timm.create_model(tiny.ARCHITECTURE).eval().requires_grad_(False).blocks
    blocks.load_state_dict(encoder.blocks.state_dict())
    tokens = mixed_tokens()
    assert tokens.mask is not None
    padding = 1 - tokens.mask.float().mean()
    print(f"{machine()}; {ITEMS} items, {tokens.mask.shape[1]} tokens the padded row, {padding:.0%} padding")
    leaf = tokens.values.clone().requires_grad_()
    learning = Tokens(leaf, tokens.mask)
    with torch.no_grad():
        difference = (run_padded(encoder, blocks, tokens) - encoder(tokens).tokens).abs().max()
        forward = best_times(
            {"padded": lambda: run_padded(encoder, blocks, tokens), "packed": lambda: encoder(tokens)}, options.repeats
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
        times = f"padded {best['padded']:.2f} s, packed {best['packed']:.2f} s"
        print(f"{what}: {times}, {best['padded'] / best['packed']:.2f} times as fast (at least {WANTED} wanted)")
    padded = kept_bytes(lambda: run_padded(encoder, blocks, learning))
    packed = kept_bytes(lambda: encoder(learning).tokens)
    print(f"kept for the backward pass: padded {padded / 2**20:.0f} MiB, packed {packed / 2**20:.0f} MiB, "
          f"{padded / packed:.2f} times less")  # fmt: skip


if __name__ == "__main__":
    main()
