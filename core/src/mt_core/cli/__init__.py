"""The command `mt`. Each command is a file of its own, imported when it is used.

A command file exposes a click command called `command`, and its line stands in `COMMANDS`; `mt --help` reads that
table and imports none of them. Other distributions add commands in the same way (`mt_core.plugins.commands`).
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, cast

import click

from mt_core.errors import MtError, MtWarning, OptionError, did_you_mean
from mt_core.io.json_log import JsonLog, log_event
from mt_core.io.notices import Notices, collecting, notice_lines
from mt_core.plugins.official import OFFICIAL_COMMANDS
from mt_core.training.ranks import FAULT_OF_ANOTHER, is_fault_of_another, is_launched

if TYPE_CHECKING:
    from mt_core.plugins.commands import CommandMetadata

LOG_JSON = "--log-json"

COMMANDS: dict[str, tuple[str, str]] = {
    "list": ("mt_core.cli.list", "What is installed, what is available, what is broken."),
    "info": ("mt_core.cli.info", "One modality, encoder or run: formats, options, results."),
    "embed": ("mt_core.cli.embed", "Files to vectors, in one Parquet file."),
    "show": ("mt_core.cli.show", "What was read of files, and what is in a folder, before training."),
    "train": ("mt_core.cli.train", "Fit tokenizer and head to labelled data; the encoder stays frozen."),
    "ladder": (
        "mt_core.cli.ladder",
        "How much to train: from neighbours to the encoder, in a time.",
    ),
    "evaluate": ("mt_core.cli.evaluate", "Measure a run on labelled data."),
    "predict": ("mt_core.cli.predict", "Predict with a trained run."),
    "encoders": ("mt_core.cli.encoders", "Encoders that are here, and weights that could be fetched."),
    "fetch": ("mt_core.cli.fetch", "Weights of an encoder, into a folder that needs no network."),
    "cache": ("mt_core.cli.cache", "What the feature cache holds, and emptying it."),
    "demo": ("mt_core.cli.demo", "Every installed modality through one encoder, in one table."),
    "check": ("mt_core.cli.check", "Run the conformance suite on a plugin."),
    "doctor": ("mt_core.cli.doctor", "Check this machine and everything installed."),
    "new": ("mt_core.cli.new", "A plugin for a new modality, which works at once."),
}
"""Module and one line of help of each command, in the order that a user meets them."""


class LazyGroup(click.Group):
    """The commands of `COMMANDS`, and those that other distributions add."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *(command.name for command in _added() if command.state == "installed")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            return cast(click.Command, import_module(COMMANDS[cmd_name][0]).command)
        from mt_core.plugins.commands import list_commands, load_command

        try:
            added = list_commands(COMMANDS)
            command = load_command(cmd_name, added)
        except MtError:
            if ctx.resilient_parsing:  # a shell asks what a line could go on with
                return None
            raise
        if command is None and not ctx.resilient_parsing:
            names = [*COMMANDS, *(each.name for each in added), *OFFICIAL_COMMANDS]
            ctx.fail(f"there is no command {cmd_name!r}{did_you_mean(cmd_name, names)}")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])
        added = _added()
        usable = [(each.name, each.summary) for each in added if each.state == "installed"]
        num_faults = sum(each.state in ("broken", "conflict") for each in added)
        if usable or num_faults:
            with formatter.section("Commands of other distributions"):
                if usable:
                    formatter.write_dl(usable)
                if num_faults:
                    formatter.write_text(f"{num_faults} cannot be used: `mt doctor` says why")


def _added() -> tuple[CommandMetadata, ...]:
    """The commands of other distributions; none while the user's settings cannot be read, which `mt doctor` reports."""
    from mt_core.plugins.commands import list_commands

    try:
        return list_commands(COMMANDS)
    except OptionError:
        return ()


def _log_json(ctx: click.Context, option: click.Parameter, is_given: bool) -> None:
    if is_given and not isinstance(sys.stderr, JsonLog):
        sys.stderr = JsonLog(sys.stderr)


def _switch_plugins_off(ctx: click.Context, option: click.Parameter, is_given: bool) -> None:
    if is_given:
        os.environ["MT_NO_PLUGINS"] = "1"  # in the environment, so that worker processes obey it too


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--no-plugins",
    is_flag=True,
    is_eager=True,  # before --help
    expose_value=False,
    callback=_switch_plugins_off,
    help="Use no plugin and no command of another distribution; the same as MT_NO_PLUGINS=1.",
)
@click.option(
    LOG_JSON,
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_log_json,
    help="Write progress, warnings and errors to standard error as JSON, an object a line; the same as MT_LOG=json. It "
    "may stand anywhere: mt train … --log-json.",
)
@click.version_option(package_name="mt-core", prog_name="mt")
def group() -> None:
    """One frozen transformer encoder for every kind of data."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit code: 0 done, 1 done with failures, 2 not possible, 130 interrupted.

    An `MtError` is shown as two lines, and so is what the system says of a file; MT_DEBUG=1 shows the traceback. What
    was left out of the data or reinterpreted is reported at the end, in one line for each.
    """
    with contextlib.suppress(AttributeError, OSError):  # a name of a file need not be UTF-8, and is shown all the same
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    warnings.formatwarning = _in_one_line  # worker processes are forked from this one, and keep it
    notices, stderr = Notices(), sys.stderr
    if os.environ.get("MT_LOG") == "json":
        sys.stderr = JsonLog(stderr)
    try:
        with collecting(notices):
            return _exit_code(arguments)
    finally:
        for line in notice_lines(notices) if os.environ.get("RANK", "0") == "0" else ():
            if not log_event("warning", text=line):
                click.echo(line, err=True)
        if isinstance(sys.stderr, JsonLog):
            sys.stderr.finish()
            sys.stderr = stderr


def _exit_code(arguments: Sequence[str] | None) -> int:
    try:
        given = tuple(sys.argv[1:] if arguments is None else arguments)
        code = group.main(_log_first(given), prog_name="mt", standalone_mode=False, obj=given)
    except MtError as error:
        if os.environ.get("MT_DEBUG", "0") not in ("", "0"):
            raise
        if is_launched() and is_fault_of_another(error):
            return FAULT_OF_ANOTHER
        _show_error(error.problem, error.fix)
        return 2
    except OSError as error:
        if os.environ.get("MT_DEBUG", "0") not in ("", "0") or error.filename is None:
            raise
        fix = "check the path, who may use it, and the space that is left"
        _show_error(f"{error.filename}: {error.strerror}", fix)
        return 2
    except click.ClickException as error:
        if not log_event("error", problem=error.format_message(), fix="", kind=type(error).__name__):
            error.show()
        return error.exit_code
    except click.Abort as abort:
        if os.environ.get("RANK", "0") == "0":  # of several processes the first one speaks
            click.echo(str(abort.__cause__ or "") or "stopped", err=True)
        return 130
    return code if isinstance(code, int) else 0


def _log_first(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """The option of the whole command line before the command, wherever it stands up to a --."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = arguments[:end]
    if LOG_JSON not in options:
        return arguments
    return (LOG_JSON, *(each for each in options if each != LOG_JSON), *arguments[end:])


def _show_error(problem: str, fix: str) -> None:
    if log_event("error", problem=problem, fix=fix):
        return
    click.echo(f"error: {problem}", err=True)
    if fix:
        click.echo(f"  fix: {fix}", err=True)


_PYTHONS_OWN = warnings.formatwarning


def _in_one_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Ours without the place in the code, which says nothing to a user."""
    if issubclass(category, MtWarning):
        return f"warning: {message}\n"
    return _PYTHONS_OWN(message, category, filename, lineno, line)
