"""Commands that other distributions add to `mt`: listed from metadata and TOML alone, imported when they are used.

A distribution declares them by an entry point of the group `mt.commands` whose value is "package:commands.toml"; that
file has a table for each command:

    [sonify]
    summary = "Vectors to sound."              # its line in `mt --help`
    command = "mt_sonify.command:command"      # a click command, imported when it is called

One that is damaged becomes a `CommandMetadata` with a problem; it never keeps the others from being found. The user's
settings hold for commands as for modalities.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mt_core.errors import ContractError, PluginError
from mt_core.plugins.claims import choose, settle
from mt_core.plugins.distributions import (
    Damaged,
    Declaration,
    Metadata,
    declarations,
    in_brief,
    in_one_line,
    read_toml,
)
from mt_core.plugins.importing import import_from
from mt_core.plugins.official import OFFICIAL_COMMANDS
from mt_core.plugins.settings import read_settings

if TYPE_CHECKING:
    import click

GROUP = "mt.commands"
_LONGEST_NAME = 32


@dataclass(frozen=True)
class CommandMetadata(Metadata):
    """A command as its distribution declares it."""


def discover_commands(own: Collection[str], search: Sequence[str] | None = None) -> tuple[CommandMetadata, ...]:
    """Every command that an installed distribution declares, by name.

    Args:
        own: The names of the core's commands, which no other distribution may claim.
        search: Folders to look for distributions in; by default `sys.path`.
    """
    entries = {
        (entry.distribution, entry.value): entry for entry in declarations(GROUP, "package:commands.toml", search)
    }
    everything = [command for entry in entries.values() for command in _declared(entry, own)]
    return tuple(sorted(everything, key=lambda found: (found.name, found.distribution)))


def list_commands(own: Collection[str]) -> tuple[CommandMetadata, ...]:
    """Every command that another distribution adds, with its state under the user's settings. Imports none.

    Args:
        own: The names of the core's commands.

    Raises:
        OptionError: a settings file that cannot be understood.
    """
    return settle(discover_commands(own), read_settings(), OFFICIAL_COMMANDS, "command")


def load_command(name: str, everything: Sequence[CommandMetadata]) -> click.Command | None:
    """The command of this name, imported; None where there is none.

    Raises:
        DisabledPluginError: switched off by the user.
        ConflictError: several distributions claim the name, and the user prefers none.
        ContractError: a declaration that is damaged, or what is no click command.
        PluginError: one of ours that is not installed, or code that cannot be imported.
    """
    found = choose(name, everything, "command")
    if found is not None:
        return import_command(found)
    if name in OFFICIAL_COMMANDS:
        raise PluginError(f"the command {name} is not installed", fix=f"pip install {OFFICIAL_COMMANDS[name]}")
    return None


def import_command(found: CommandMetadata) -> click.Command:
    """The click command that a declaration names.

    Raises:
        PluginError: its code cannot be imported.
        ContractError: it is no click command.
    """
    import click

    module, _, attribute = found.raw["command"].partition(":")
    command = getattr(import_from(found, module), attribute, None)
    if isinstance(command, click.Command):
        return command
    what = "is not there" if command is None else f"is a {type(command).__name__}, not a click command"
    raise ContractError(
        f"{found}: the command {found.name}, {found.raw['command']}, {what}",
        fix=f"pip install -U {found.distribution}, or report it to its authors",
    )


def _declared(entry: Declaration, own: Collection[str]) -> Iterator[CommandMetadata]:
    path: Path | None = None
    try:
        path = entry.locate()
        tables = read_toml(path, entry.distribution)
        if not tables:
            raise Damaged(f"{path} has no table", "write one for each command")
    except Damaged as damage:
        name = in_one_line(entry.name)[:_LONGEST_NAME]
        yield CommandMetadata(name, entry.distribution, entry.version, path, {}, "broken", *damage.args)
        return
    for name, table in tables.items():
        raw: dict[str, Any] = table if isinstance(table, dict) else {}
        try:
            _check(name, table, own, path, entry.distribution)
        except Damaged as damage:
            shown = in_one_line(name)[:_LONGEST_NAME]
            yield CommandMetadata(shown, entry.distribution, entry.version, path, raw, "broken", *damage.args)
        else:
            yield CommandMetadata(name, entry.distribution, entry.version, path, raw)


def _check(name: str, table: object, own: Collection[str], path: Path, distribution: str) -> None:
    ask = f"or ask the authors of {distribution} to"
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name) or len(name) > _LONGEST_NAME:
        raise Damaged(
            f"{path}: {in_brief.repr(name)} is no name of a command",
            f"use at most {_LONGEST_NAME} small letters, digits and - in it, {ask}",
        )
    if name in own:
        raise Damaged(f"{path}: {name} is a command of mt-core's own", f"choose another name, {ask}")
    if not isinstance(table, dict):
        raise Damaged(f"{path}: {name} is {in_brief.repr(table)}, not a table", f"write [{name}], {ask}")
    summary, reference = table.get("summary"), table.get("command")
    if not isinstance(summary, str) or not in_one_line(summary):
        raise Damaged(f"{path}: {name} has summary = {in_brief.repr(summary)}", f"write a line of text, {ask}")
    if not isinstance(reference, str) or not re.fullmatch(r"\w+(\.\w+)*:\w+", reference):
        raise Damaged(f"{path}: {name} has command = {in_brief.repr(reference)}", f'write "module:name", {ask}')
