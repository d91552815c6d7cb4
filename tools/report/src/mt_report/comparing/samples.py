"""Which samples a run was tested on, and whether two runs were tested on the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Boxes, ModalityDataset, Segmentation
from mt_core.data.sample_hash import UNKNOWN, sample_hashes
from mt_core.data.training_data import open_training_data
from mt_core.errors import MtError
from mt_core.io.notices import Notices, collecting
from mt_core.plugins import get
from mt_core.training import Recipe
from mt_core.training.seen import SEEN
from mt_report.run_facts import RunFacts

_DIGITS = 12


@dataclass(frozen=True)
class Tested:
    """The samples of a run's test part, or of the part that selected its epoch where there is none.

    Attributes:
        part: "test" or "val".
        fingerprint: Of the samples and their targets, whatever their order; "" where it is not known.
        recorded: Of what the run recorded: its samples, its seed and the sizes of the parts; "" likewise.
        hashes: (N,) of the samples, in order; None where the data are not there.
    """

    part: str
    fingerprint: str
    recorded: str
    hashes: NDArray[np.uint64] | None = None


def samples_tested(facts: RunFacts) -> Tested:
    """What a run was tested on, from its data where they still lie, and from its record. No model is loaded."""
    part = "test" if facts.record.get("test_metrics") else "val"
    recorded = _of_record(facts, part)
    dataset = _open(facts, part)
    if dataset is None:
        return Tested(part, "", recorded)
    hashes = sample_hashes(dataset)
    if (hashes == UNKNOWN).any():
        return Tested(part, "", recorded, hashes)
    is_dense = isinstance(dataset.task, Segmentation)
    targets = [""] * len(dataset) if is_dense else [_text(target) for target in dataset.targets()]
    lines = sorted(f"{number} {target}" for number, target in zip(hashes.tolist(), targets, strict=True))
    return Tested(part, _digest("\n".join(lines).encode()), recorded, hashes)


def _text(target: object) -> str:
    if isinstance(target, Boxes):
        parts = (target.xyxy, target.classes, target.ignored)
        return repr([None if part is None else np.asarray(part).tolist() for part in parts])
    return repr(np.asarray(target).tolist()) if target is not None else "None"


def _open(facts: RunFacts, part: str) -> ModalityDataset | None:
    record = facts.record
    root, options = record["data"].get("root"), record["data"].get("options")
    if root is None or options is None or not Path(root).exists():
        return None
    recipe = Recipe.parse(record["recipe"])
    try:
        plugin = get(record["modality"])
        with collecting(Notices()):  # the training reported them
            parts = open_training_data(
                plugin.dataset,
                Path(root),
                plugin.dataset.Options.parse(options),
                val_fraction=recipe.val_fraction,
                test_fraction=recipe.test_fraction,
                seed=recipe.seed,
            )
    except MtError:
        return None
    return parts.test if part == "test" else parts.val


def _of_record(facts: RunFacts, part: str) -> str:
    seen = facts.folder / SEEN
    if not seen.is_file():
        return ""
    data, recipe = facts.record["data"], facts.record["recipe"]
    split = [data["train"], data["val"], data.get("test"), part, recipe["val_fraction"], recipe["test_fraction"]]
    return _digest(seen.read_bytes() + repr([*split, recipe["seed"], facts.record["task"]]).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def groups_of(tested: list[Tested]) -> list[str]:
    """Of each run a letter: runs with the same one were tested on the same samples; "?" where that is not known."""
    keys = [each.fingerprint for each in tested]
    if not all(keys):
        keys = [each.recorded for each in tested]
    letters: dict[str, str] = {}
    for key in keys:
        if key and key not in letters:
            letters[key] = chr(ord("A") + len(letters) % 26)
    return [letters.get(key, "?") for key in keys]
