"""Items for a demonstration: samples of two installed modalities, paired by class."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mt_core.contract import AnyTask, Classification
from mt_core.errors import MtError, OptionError
from mt_core.plugins import find, get, list_modalities
from mt_fusion.items.inputs import Input
from mt_fusion.items.item import Item

_INPUTS = 2
_FEW = 8


def demo_items(split: str, size: int, seed: int) -> tuple[list[Item], list[Any], AnyTask, str]:
    """Items, their targets, the task, and a line on where they come from; of two classes.

    Raises:
        OptionError: fewer than two modalities with a demonstration of classes are installed.
    """
    chosen: dict[str, Any] = {}
    for name in sorted(list_modalities(), key=_costs):
        try:
            dataset: Any = get(name).dataset.demo(split, size=2 * size, seed=seed)
            if not isinstance(dataset.task, Classification) or len(dataset.task.classes) < 2:
                continue
            if (num_classes := len(dataset.task.classes)) > 2:  # for as many of the first two
                dataset = get(name).dataset.demo(split, size=num_classes * size, seed=seed)
        except MtError:
            continue
        chosen[name] = dataset
        if len(chosen) == _INPUTS:
            break
    if len(chosen) < _INPUTS:
        raise OptionError(
            "a demonstration of items needs two modalities with classes",
            fix="install two plugins, as pip install mt-plugin-image mt-plugin-tabular",
        )
    of_class = {
        name: [[at for at, target in enumerate(dataset.targets()) if target == label] for label in (0, 1)]
        for name, dataset in chosen.items()
    }
    items, targets = [], []
    for at in range(size):
        label = at % 2
        members = [of_class[name][label] for name in chosen]
        if all(at // 2 < len(each) for each in members):
            samples = {
                name: dataset[each[at // 2]].sample
                for (name, dataset), each in zip(chosen.items(), members, strict=True)
            }
            if at % 6 > 3:
                samples.popitem()  # an item may lack an input
            items.append(Item(samples, filename=f"item {at}"))
            targets.append(label)
    sources = "; ".join(dataset.source for dataset in chosen.values())
    return items, targets, Classification(classes=("first", "second")), f"samples paired by class: {sources}"


def _costs(name: str) -> int:
    """Rows of tables come first, then pictures, which the encoder has a patch embedding for: both are made and read in
    no time."""
    raw = find(name).raw
    if raw.get("cells") == "row":
        return 0
    is_picture = "init_from_encoder" in raw.get("capabilities", ()) and not raw.get("views") and not raw.get("cells")
    return 1 if is_picture else 2


def demo_inputs() -> dict[str, Input]:
    """The inputs of these items: of one that is a row of a table the columns of it."""
    (item, *_), *_ = demo_items("train", _FEW, 0)
    return {
        name: Input(modality=name, columns=tuple(sample), holds="cells")
        if isinstance(sample, Mapping)
        else Input(modality=name)
        for name, sample in item.items()
    }


def write_examples(folder: Path) -> list[Path]:
    """Tables of such items, one of each format: the input that is a row of a table is there, the other is missing."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    inputs = demo_inputs()
    items, *_ = demo_items("train", _FEW, 0)
    columns = [column for name, each in inputs.items() for column in each.columns_of(name)]
    rows = [{column: _cell(item, column) for column in columns} for item in items]
    table = pa.Table.from_pylist(rows, pa.schema([(column, pa.string()) for column in columns]))
    paths = [folder / f"items{suffix}" for suffix in (".csv", ".tsv", ".jsonl", ".parquet")]
    csv.write_csv(table, paths[0])
    csv.write_csv(table, paths[1], csv.WriteOptions(delimiter="\t"))
    paths[2].write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    parquet.write_table(table, paths[3])
    return paths


def _cell(item: Item, column: str) -> str | None:
    found = next((row[column] for row in item.values() if isinstance(row, Mapping) and column in row), None)
    return None if found is None else str(found)
