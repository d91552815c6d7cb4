"""The command `mt`. Each command is a file of its own, imported when it is used.

A command file exposes a click command called `command`, and its line stands in `COMMANDS`; `mt --help` reads that
table and imports none of them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, cast

import click

from mt_core.errors import MtError, MtWarning, PluginError

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint

COMMAND_GROUP = "mt.commands"
"""The entry-point group in which other distributions add commands: `name = "module:command"`."""

COMMANDS: dict[str, tuple[str, str]] = {
    "list": ("mt_core.cli.list", "What is installed, what is available, what is broken."),
    "info": ("mt_core.cli.info", "One modality, or one encoder: formats, options, size."),
    "embed": ("mt_core.cli.embed", "Files to vectors, in one Parquet file."),
    "train": ("mt_core.cli.train", "Fit tokenizer and head to labelled data; the encoder stays frozen."),
    "evaluate": ("mt_core.cli.evaluate", "Measure a run on labelled data."),
    "predict": ("mt_core.cli.predict", "Predict with a trained run."),
    "demo": ("mt_core.cli.demo", "Every installed modality through one encoder, in one table."),
    "check": ("mt_core.cli.check", "Hold a plugin against the conformance suite."),
    "doctor": ("mt_core.cli.doctor", "Check this machine and every installed plugin."),
    "new": ("mt_core.cli.new", "A plugin for a new modality, which works at once."),
}
"""Module and one line of help of each command, in the order that a user meets them."""


def added_commands() -> dict[str, EntryPoint]:
    """The commands that installed distributions add, by name; nothing of them is imported. A name of the core's own
    stays the core's."""
    from importlib_metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=COMMAND_GROUP) if entry.name not in COMMANDS}


class LazyGroup(click.Group):
    """The commands of `COMMANDS`, and those that other distributions add."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *added_commands()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            return cast(click.Command, import_module(COMMANDS[cmd_name][0]).command)
        added = added_commands()
        if cmd_name in added:
            return _load(added[cmd_name])
        if ctx.resilient_parsing:
            return None
        from difflib import get_close_matches

        nearest = get_close_matches(cmd_name, [*COMMANDS, *added], n=1)
        ctx.fail(f"there is no command {cmd_name!r}" + (f"; did you mean {nearest[0]}?" if nearest else ""))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])
        if added := added_commands():
            with formatter.section("Commands of other distributions"):
                formatter.write_dl([(name, entry.dist.metadata["Summary"] or "") for name, entry in added.items()])


def _load(entry: EntryPoint) -> click.Command:
    """The command of another distribution, imported.

    Raises:
        PluginError: it cannot be imported, or is not a click command.
    """
    try:
        command = entry.load()
    except Exception as error:
        raise PluginError(
            f"the command {entry.name} of {entry.dist.name} cannot be imported ({type(error).__name__}: {error})",
            fix=f"pip install -U {entry.dist.name}, or report it to its authors",
        ) from error
    if not isinstance(command, click.Command):
        raise PluginError(
            f"the command {entry.name} of {entry.dist.name} is a {type(command).__name__}, not a click command",
            fix=f"pip install -U {entry.dist.name}, or report it to its authors",
        )
    return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--no-plugins", is_flag=True, help="Use no plugin; the same as MT_NO_PLUGINS=1.")
@click.version_option(package_name="mt-core", prog_name="mt")
def group(no_plugins: bool) -> None:
    """One frozen transformer encoder for every kind of data."""
    if no_plugins:
        os.environ["MT_NO_PLUGINS"] = "1"  # in the environment, so that worker processes obey it too


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit code: 0 done, 1 done with failures, 2 not possible, 130 interrupted.

    An `MtError` is shown as two lines; MT_DEBUG=1 shows its traceback.
    """
    warnings.formatwarning = _in_one_line  # worker processes are forked from this one, and keep it
    try:
        code = group.main(arguments, prog_name="mt", standalone_mode=False)
    except MtError as error:
        if os.environ.get("MT_DEBUG", "0") not in ("", "0"):
            raise
        click.echo(f"error: {error.problem}", err=True)
        if error.fix:
            click.echo(f"  fix: {error.fix}", err=True)
        return 2
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort as abort:
        click.echo(str(abort.__cause__ or "") or "stopped", err=True)
        return 130
    return code if isinstance(code, int) else 0


_PYTHONS_OWN = warnings.formatwarning


def _in_one_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Ours without the place in the code, which says nothing to a user."""
    if issubclass(category, MtWarning):
        return f"warning: {message}\n"
    return _PYTHONS_OWN(message, category, filename, lineno, line)
