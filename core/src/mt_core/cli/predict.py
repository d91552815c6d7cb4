"""`mt predict`: predict with a trained run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mt_core.cli import options as shared
from mt_core.io.counted import counted

if TYPE_CHECKING:
    from mt_core.contract import Head
    from mt_core.errors import MtError
    from mt_core.plugins import Plugin


COCO_RESULTS = "coco_results.json"


@click.command("predict")
@click.argument("run")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "-o",
    "--out",
    metavar="FILE|DIR",
    help="Write one table there instead (.parquet, .csv or .jsonl); or a folder of it and of what can be seen of the "
    "predictions: a plot, a map, a coloured cloud.",
)
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Samples at a time.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a sample, with everything the head says.")
@click.option("--each", is_flag=True, help="Of items of several inputs: how much each input changes the prediction.")
@shared.stacked(
    shared.encoder, shared.num_workers, shared.seconds_a_sample, shared.precision, shared.device, shared.strict
)
def command(
    run: str,
    files: tuple[str, ...],
    out: str | None,
    batch_size: int,
    as_json: bool,
    each: bool,
    encoder: str | None,
    num_workers: int | None,
    seconds_a_sample: float,
    precision: str | None,
    device: str | None,
    strict: bool,
) -> int:
    """Predict with a trained run.

    Files that cannot be read are reported on standard error and make the exit code 1; the others are predicted.
    """
    from mt_core.cli.choosing import check_encoder, plugin_of_run

    check_encoder(encoder, plugin_of_run(run))
    where = Output.parse(out) if out is not None else None

    from mt_core.data.workers import resolve_num_workers
    from mt_core.embedding.memory import predictions  # imports torch: all that is above needs none to be refused
    from mt_core.errors import RunError
    from mt_core.hooks import session
    from mt_core.io.paths import expand
    from mt_core.io.records import write_records
    from mt_core.plugins import get
    from mt_core.training import load_run

    model = load_run(run, encoder=encoder, device=device)
    click.echo(model.description, err=True)
    plugin, head = get(model.modality), model.require_head()
    has_rows = "multi_sample_sources" in plugin.manifest.capabilities
    errors: list[MtError] = []
    with session(model.modality, "predict"):
        records = predictions(
            model,
            expand(files, plugin.manifest.suffixes),
            batch_size=batch_size,
            num_workers=resolve_num_workers(num_workers),
            seconds_a_sample=seconds_a_sample,
            precision=precision or "32",  # type: ignore[arg-type]
            on_error=errors.append,
            strict=strict,
            each=each,
        )
        if where is None:
            for record in records:
                name = f"{record['source']}:{record['row']}" if has_rows else record["source"]
                text = f"{name}  {head.format_prediction(record)}{_inputs_in_words(record)}"
                click.echo(json.dumps(record) if as_json else text)
        else:
            where.make_folder()
            if where.pictures is not None:
                records = _shown(records, plugin, head, where.pictures, errors)
                records = _with_results(records, head, where.pictures)
            count = write_records(where.table, records, RunError)
            click.echo(f"{where.table}: {count} predictions")
    for failed in errors:
        click.echo(f"error: {failed.problem}\n  fix: {failed.fix}", err=True)
    return 1 if errors else 0


def _inputs_in_words(record: dict[str, Any]) -> str:
    """The inputs of an item that a prediction used, each with its contribution where that is a number."""
    if "inputs" not in record:
        return ""
    shares = record.get("contributions", {})
    parts = [
        f"{name} {shares[name]:+.3g}" if isinstance(shares.get(name), float) else name for name in record["inputs"]
    ]
    return f"  ({', '.join(parts)})"


@dataclass(frozen=True)
class Output:
    """Where predictions go.

    Attributes:
        table: One for all sources.
        pictures: The folder of what can be seen of them; None: none is wanted.
    """

    table: Path
    pictures: Path | None

    @classmethod
    def parse(cls, out: str) -> Output:
        """A name with a suffix is that of a table, any other one that of a folder.

        Raises:
            RunError: a suffix of no table.
        """
        from mt_core.errors import RunError
        from mt_core.io.records import check_table

        path = Path(out)
        if path.is_dir() or not path.suffix:
            return cls(path / "predictions.jsonl", path)
        check_table(path, RunError)
        return cls(path, None)

    def make_folder(self) -> None:
        """Make the folder that it is in.

        Raises:
            RunError: it cannot be made.
        """
        from mt_core.errors import RunError

        try:
            self.table.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            problem = f"{self.table.parent} cannot be made ({error.strerror})"
            raise RunError(problem, fix="choose another --out") from None


def _with_results(records: Iterator[dict[str, Any]], head: Head, folder: Path) -> Iterator[dict[str, Any]]:
    """The same records; of a run that finds objects, all of them are also written in COCO's result format."""
    from mt_core.contract import Detection
    from mt_core.errors import RunError
    from mt_core.io.atomic import atomic_write
    from mt_core.sdk import coco_results

    if not isinstance(head.task, Detection):
        yield from records
        return
    results: list[dict[str, Any]] = []
    for record in records:
        results += coco_results([record], head.task)
        yield record
    with atomic_write(folder / COCO_RESULTS, RunError) as unfinished:
        unfinished.write_text(json.dumps(results))
    click.echo(f"{folder / COCO_RESULTS}: {counted(len(results), 'object')}")


def _shown(
    records: Iterator[dict[str, Any]], plugin: Plugin, head: Head, folder: Path, errors: list[MtError]
) -> Iterator[dict[str, Any]]:
    """The same records; of those of each source, what the modality shows is written to a folder; of a second source of
    the same name to the folder 2 in it, and so on."""
    if plugin.pictures is None:
        yield from records
        return
    from mt_core.errors import MtError
    from mt_core.io.kept_records import KeptRecords
    from mt_core.io.names import path_of_text

    num_called: Counter[str] = Counter()
    for source, of_source in groupby(records, key=lambda record: record["source"]):
        name = Path(source).name.partition(".")[0]
        num_called[name] += 1
        where = folder if num_called[name] == 1 else folder / str(num_called[name])
        with KeptRecords() as kept:
            for record in of_source:
                kept.append(record)
                yield record
            try:
                where.mkdir(exist_ok=True)
                shown = plugin.pictures(path_of_text(source), kept, head.task, where)
            except MtError as error:
                errors.append(error)
                continue
        for path in shown:
            click.echo(path)
