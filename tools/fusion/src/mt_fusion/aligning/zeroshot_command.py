"""`mt zeroshot`: classes by their names alone."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mt_core.cli import options as shared
from mt_core.errors import InputError, OptionError


@click.command("zeroshot")
@click.argument("run", metavar="RUN|ENCODER")
@click.argument("input", metavar="INPUT|MODALITY")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--labels", required=True, metavar="LIST|@FILE", help="Names of the classes: cat,dog, or a file with one a line."
)
@click.option(
    "--template",
    "templates",
    multiple=True,
    metavar="TEXT",
    help='A text that a name is put into: "a photo of a {}". Several are averaged.',
)
@click.option("--label-input", metavar="NAME", help="The input that reads the names, where several could.")
@click.option(
    "--truth",
    metavar="folder|TABLE",
    help="Prints accuracy. folder: a file's class is its folder's name; or a table of files and their classes.",
)
@click.option("--key", metavar="COLUMN", help="The table's column that names the files; by default the one that does.")
@click.option("--target", metavar="COLUMN", help="The table's column of classes; by default label, class or target.")
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True, help="Classes shown a file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a sample, with the probabilities of all labels.")
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Samples at a time.")
@shared.stacked(shared.num_workers, shared.precision, shared.device, shared.strict)
def command(
    run: str,
    input: str,
    files: tuple[str, ...],
    labels: str,
    templates: tuple[str, ...],
    label_input: str | None,
    truth: str | None,
    key: str | None,
    target: str | None,
    top: int,
    as_json: bool,
    batch_size: int,
    num_workers: int | None,
    precision: str | None,
    device: str | None,
    strict: bool,
) -> int:
    """Classify by names of classes alone, with a run of mt align or an encoder of two towers.

    RUN is the folder of the run, INPUT the one of its inputs that FILES are of. An ENCODER is open_clip/ViT-B-32 or a
    file of such a model; then FILES are of the MODALITY. Files that cannot be read are reported on standard error and
    make the exit code 1; the others are classified.
    """
    names = labels_in(labels)
    from mt_core.data.workers import resolve_num_workers
    from mt_core.errors import MtError
    from mt_core.io.paths import expand
    from mt_core.plugins import get
    from mt_fusion.aligning.truth import truth_of

    if truth is None and (key is not None or target is not None):
        raise OptionError("--key and --target are of the table of --truth", fix="name it: --truth labels.csv")
    true_class = truth_of(truth, key, target) if truth is not None else None

    from mt_fusion.aligning.zeroshot import Classes  # imports torch: all that is above needs none to be refused

    classes = Classes(run, input, names, templates=templates or ("{}",), label_input=label_input, device=device)
    errors: list[MtError] = []
    asked = right = unknown = 0
    plugin = get(classes.model.modality)
    has_rows = "multi_sample_sources" in plugin.manifest.capabilities
    for record in classes.predicted(
        expand(files, plugin.manifest.suffixes),
        batch_size=batch_size,
        num_workers=resolve_num_workers(num_workers),
        precision=precision or "32",
        strict=strict,
        on_error=errors.append,
    ):
        if true_class is not None:
            record["truth"] = true_class(record["source"])
            unknown += record["truth"] not in classes.labels
            asked += record["truth"] in classes.labels
            right += record["truth"] == record["prediction"]
        name = f"{record['source']}:{record['row']}" if has_rows else record["source"]
        ranked = sorted(record["probabilities"].items(), key=lambda each: -each[1])[:top]
        click.echo(json.dumps(record) if as_json else f"{name}  " + "  ".join(f"{n} {p:.3f}" for n, p in ranked))
    if truth is not None:
        share = f"{right / asked:.4f}" if asked else "not known"
        click.echo(f"accuracy {share} ({right:,} of {asked:,}; by chance {1 / len(classes.labels):.4f})", err=as_json)
        if unknown:
            click.echo(f"{unknown:,} sample(s) have none of these classes in {truth}, and do not count", err=True)
    for failed in errors:
        click.echo(f"error: {failed.problem}\n  fix: {failed.fix}", err=True)
    return 1 if errors else 0


def labels_in(given: str) -> list[str]:
    """The labels of "cat,dog", or of the lines of "@labels.txt".

    Raises:
        InputError: no such file.
    """
    if not given.startswith("@"):
        return given.split(",")
    try:
        return Path(given[1:]).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the labels in {given[1:]} cannot be read ({error})", fix="name a text file with a label a line"
        ) from None
