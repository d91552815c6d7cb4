"""What drawing and describing pictures cost beside learning from them, in one step of `mt pretrain`.

python benchmarks/pretraining_step.py [--repeats 5] [--threads 1] [--device cuda]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from machine import machine

from mt_pretrain import PretrainRecipe
from mt_pretrain.formulas.drawing import draw
from mt_pretrain.formulas.module import FormulaModule


def seconds(action: Callable[[], object], repeats: int, device: str) -> float:
    """The median over repeats, after one to warm up."""
    measured = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        action()
        if device == "cuda":
            torch.cuda.synchronize()
        measured.append(time.perf_counter() - started)
    return statistics.median(measured[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device, repeats = arguments.device, arguments.repeats
    recipe = PretrainRecipe(batch_size=64)
    module = FormulaModule(recipe).to(device)
    settings = {"count": recipe.batch_size, "size": recipe.size, "categories": recipe.categories, "device": device}
    pixels = draw(0, 0, **settings).pixels

    def learn() -> None:
        with torch.autocast(device, torch.bfloat16):
            loss, _ = module.losses(pixels)
        loss.backward()

    drawn = seconds(lambda: draw(0, 0, **settings), repeats, device)
    described = seconds(lambda: module.descriptors(pixels), repeats, device)
    learned = seconds(learn, repeats, device)  # describes as well
    print(machine())
    print(f"{recipe.batch_size} pictures of {recipe.size} x {recipe.size}, bf16, {device}")
    for name, spent in (("drawing", drawn), ("descriptors", described), ("learning", learned - described)):
        print(f"  {name:<12} {spent * 1e3:7.1f} ms, {spent / (drawn + learned):.0%} of a step")
    print(f"  {recipe.batch_size / (drawn + learned):.0f} pictures a second")


if __name__ == "__main__":
    main()
