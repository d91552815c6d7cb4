"""What a run folder says of itself, in lines. Nothing heavy is imported, and no weights are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mt_core.errors import RunError
from mt_core.io.counted import counted


def run_facts(folder: Path) -> list[tuple[str, str]]:
    """What there is to say of a run, in one line each.

    Raises:
        RunError: no run, or one whose record cannot be read.
    """
    from mt_core.training.run_record import RUN, read_history, read_record

    record = read_record(folder)
    try:
        return list(_facts(folder, record, len(read_history(folder))))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise RunError(
            f"{folder / RUN} cannot be understood ({type(error).__name__}: {error})", fix="train the run again"
        ) from error


def _facts(folder: Path, record: Mapping[str, Any], epochs: int) -> Iterator[tuple[str, str]]:
    from mt_core.training.run_record import NOTICES, WEIGHTS

    data, encoder, parameters = record["data"], record["encoder"], record["parameters"]
    yield "run of", f"{record['modality']} ({record['plugin']['distribution']} {record['plugin']['version']})"
    if record["head"] is None:
        yield from _facts_of_adapted(folder, record)
        return
    can = "can predict" if (folder / WEIGHTS).is_file() else "cannot predict yet; --resume goes on with it"
    if "steps" in record["recipe"]:
        yield "state", f"{record['status']}, step {record['step']:,} of {record['recipe']['steps']:,}"
    elif record["status"] == "complete":
        yield "state", f"complete, {epochs} {'settings tried' if record.get('chosen') else 'epochs'}"
    elif "samples" in (record.get("chosen") or {}):
        yield "state", f"stopped, fitted to {record['chosen']['samples']:,} of {data['train']:,} samples; {can}"
    else:
        yield "state", f"interrupted after {epochs} of {record['recipe']['epochs']} epochs; {can}"
    if record.get("kept_epoch") is not None:
        yield "weights of", f"epoch {record['kept_epoch']:g}"
    yield "data", f"{data['source']}: {_sizes(data)}"
    yield "task", _task(record["task"])
    yield "encoder", f"{encoder['description']}, fingerprint {encoder['fingerprint'][:16]}…"
    yield "parameters", f"{parameters['trainable']:,} trained, {parameters['frozen']:,} frozen"
    recipe = record["recipe"]
    yield (
        "trained",
        f"tune={recipe['tune']}, lr={recipe['lr']:g}, batch_size={recipe['batch_size']}, seed={recipe['seed']}",
    )
    for part in ("val", "test"):
        baseline = record.get("baseline_metrics" if part == "val" else "test_baseline_metrics") or {}
        for name, value in (record.get(f"{part}_metrics") or {}).items():
            beside = f"   (always the same answer: {baseline[name]:.4f})" if name in baseline else ""
            yield f"{'validation' if part == 'val' else 'test'} {name}", f"{value:.4f}{beside}"
    for group in record.get("notices") or []:
        more = f" and {group['num_sources'] - 1} more" if group["num_sources"] > 1 else ""
        yield group["kind"], f"{group['what']} ({group['first']}{more}); all: {folder / NOTICES}"
    if (folder / "report.html").is_file():
        yield "report", str(folder / "report.html")


def _facts_of_adapted(folder: Path, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    from mt_core.training.run_record import WEIGHTS

    recipe, encoder, parameters = record["recipe"], record["encoder"], record["parameters"]
    how = f"step {record['step']:,} of {recipe['steps']:,}"
    has = "" if (folder / WEIGHTS).is_file() else "; no weights yet"
    yield "state", "complete" if record["status"] == "complete" else f"{record['status']}, {how}{has}"
    yield "task", "none: the tokenizer was adapted without labels; mt train --from starts from it"
    yield "data", f"{record['data']['source']}: {counted(record['data']['train'], 'sample')}, without labels"
    yield "encoder", f"{encoder['description']}, fingerprint {encoder['fingerprint'][:16]}…"
    yield "parameters", f"{parameters['trainable']:,} trained, {parameters['frozen']:,} frozen"
    settings = ", ".join(f"{name}={recipe[name]}" for name in ("tune", "lr", "batch_size", "seed"))
    yield "adapted", settings
    for name, value in record.get("vectors", {}).items():
        yield f"vectors, {name}", ", ".join(f"{of} {number:.3g}" for of, number in value.items())


def _sizes(data: Mapping[str, Any]) -> str:
    test = f", {data['test']:,} for test" if data.get("test") else ""
    return f"{counted(data['train'], 'sample')} to train, {data['val']:,} to select{test}"


def _task(task: Mapping[str, Any]) -> str:
    if task["kind"] == "alignment":
        return f"alignment of {', '.join(task['inputs'])} in the space {task['space']}, {task['width']} wide"
    keys = ("classes", "labels", "names", "channels", "identities")
    names: list[str] = next((task[key] for key in keys if key in task), [])
    shown = ", ".join(map(str, names[:8])) + (f", … ({len(names):,})" if len(names) > 8 else "")
    return f"{task['kind']}: {shown}"
