"""A training step with the encoder frozen, or with adapters, against the encoder trained: time and peak memory.

    OMP_NUM_THREADS=1 python benchmarks/train_step.py [--steps 8]

Each side runs in a process of its own, so that its peak memory is its own. Time is CPU time, of all threads together,
which other work on the machine disturbs less. `keeping` is frozen with the inside of each MLP kept for the pass back,
not computed again in it (`mt_core.encoder.recomputing`).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import torch
from machine import machine

BATCH = 32
SIDES = ("frozen", "keeping", "lora", "full")


def step_cost(side: str, steps: int) -> dict[str, float]:
    """Seconds of CPU time of the fastest step, and the growth of the process's peak memory over them, in MiB."""
    import mt_core as mt
    from mt_core.encoder import recomputing
    from mt_core.training import Recipe
    from mt_core.training.lora import add_adapters
    from mt_core.training.module import TrainingModule
    from mt_core.training.optimizer import parameter_groups

    tune = side
    if side == "keeping":
        recomputing.is_worth_it = lambda tokens, norm, mlp: False
        tune = "frozen"
    model = mt.load("image", size=224)
    model.attach_head(mt.Classification(classes=tuple("abcdefghij")))
    recipe = Recipe(tune=tune)  # type: ignore[arg-type]
    if tune == "full":
        model.encoder.unfreeze()
    elif tune == "lora":
        add_adapters(model, recipe)
    parts = TrainingModule(model, recipe).trained_parts().values()
    groups = [group for part in parts for group in parameter_groups(part.named_parameters(), recipe.weight_decay)]
    optimizer = torch.optim.AdamW(groups)
    batch = {"pixels": torch.randint(0, 256, (BATCH, 3, 224, 224), dtype=torch.uint8)}
    target = torch.randint(0, 10, (BATCH,))
    model.train()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(steps):
        started = time.process_time()
        optimizer.zero_grad(set_to_none=True)
        loss = model.require_head().loss(model(batch), target)
        loss.backward()
        optimizer.step()
        seconds.append(time.process_time() - started)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": min(seconds),
        "mib": (after - before) / 1024,
        "trainable": model.parameter_counts().trainable,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--only", choices=SIDES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(step_cost(arguments.only, arguments.steps)))
        return
    print(machine())
    costs = {}
    for tune in SIDES:
        command = [sys.executable, __file__, "--only", tune, "--steps", str(arguments.steps)]
        costs[tune] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        cost = costs[tune]
        of_step = f"{cost['seconds'] * 1e3:8.1f} ms of CPU a step of {BATCH} pictures"
        print(
            f"{tune:<8}{cost['trainable']:>12,} trainable parameters   {of_step}   "
            f"{cost['mib']:8.0f} MiB above the idle model"
        )
    full = costs["full"]
    for tune in SIDES[:-1]:
        cost = costs[tune]
        print(f"{tune} / full: time {cost['seconds'] / full['seconds']:.3f}, memory {cost['mib'] / full['mib']:.3f}")


if __name__ == "__main__":
    main()
