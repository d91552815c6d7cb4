"""`mt check`: the conformance suite on an installed plugin."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("check")
@click.argument("modality")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), metavar="FILE", help="Write the report there as JSON, too."
)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME|FAMILY",
    help="Run this check, or this family of checks: reading, tokens, …; can be given again.",
)
@click.option("--fail-fast", is_flag=True, help="End at the first check that fails.")
@click.option("--markdown", is_flag=True, help="Print a table in Markdown.")
@click.pass_context
def command(
    ctx: click.Context, modality: str, json_file: Path | None, only: tuple[str, ...], fail_fast: bool, markdown: bool
) -> None:
    """Run the conformance suite on a plugin.

    Loads the plugin and runs its code. The exit code is 1 if it does not conform.
    """
    from mt_core.conformance import check_modality
    from mt_core.conformance.suite import chosen_checks
    from mt_core.errors import OptionError
    from mt_core.io.atomic import atomic_write
    from mt_core.io.progress import Progress

    if json_file is not None and not json_file.parent.is_dir():
        raise OptionError(f"there is no folder {json_file.parent}", fix="make it, or name another file for --json")

    with Progress(f"checking {modality}", len(chosen_checks(only))) as shown:
        report = check_modality(modality, lambda result: shown.advance(1), only=only, fail_fast=fail_fast)
    for line in report.markdown() if markdown else report.lines():
        click.echo(line)
    if json_file is not None:
        with atomic_write(json_file, OptionError) as path:
            path.write_text(report.to_json(), encoding="utf-8")
    ctx.exit(0 if report.passed else 1)
