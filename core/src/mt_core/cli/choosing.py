"""What the user means: which modality, which run, which files. Nothing heavy is imported to tell, or to refuse."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mt_core.errors import InputError, OptionError
from mt_core.io.paths import expand, has_suffix
from mt_core.io.urls import is_url

if TYPE_CHECKING:
    from mt_core.plugins import PluginMetadata


def modality_and_files(named: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The modality (or run folder) that comes first, and the files; or the modality that the files' suffixes tell; ""
    where a folder has files of several.

    Raises:
        OptionError: files and no modality, where not just one installed modality reads them all: says which do.
    """
    from mt_core.plugins import list_modalities

    first, rest = named[0], tuple(named[1:])
    if is_url(first):
        return _by_suffix(tuple(named), suffixes_of(list_modalities())), tuple(named)
    looks_like_file = os.path.isfile(first) or bool(Path(first).suffix) or any(sign in first for sign in "*?[")
    is_run = os.path.isfile(Path(first, "run.json"))
    if not rest and first.endswith(("/", os.sep)) and not os.path.exists(first):
        raise InputError(f"{first} does not exist", fix="check the path and the folder it is relative to")
    if is_modality(first) or is_run or not (looks_like_file or os.path.isdir(first)):
        return first, rest
    return _by_suffix(tuple(named), suffixes_of(list_modalities())), tuple(named)


def is_modality(name: str) -> bool:
    """Whether a name is that of a modality, installed or not; a folder of the same name is then `./name`."""
    from mt_core.plugins import list_plugins
    from mt_core.plugins.official import OFFICIAL

    return name in OFFICIAL or any(plugin.name == name for plugin in list_plugins())


def means_modality(name: str) -> bool:
    """Whether a name means a modality, and not the folder of a run; of a name that both have, it does."""
    return is_modality(name) or (not os.path.isfile(Path(name, "run.json")) and len(Path(name).parts) == 1)


def modality_or_items(named: str | None) -> str:
    """The modality that is named; without one, what is made of several.

    Raises:
        UnknownModalityError: none is named, and nothing that is made of several is installed.
    """
    from mt_core.plugins import composing

    return named if named is not None else composing().name


def plugin_of(modality_or_run: str) -> PluginMetadata:
    """What is known, without importing it, of the plugin of a modality or of the run in a folder.

    Raises:
        RunError: a folder without a run that can be read.
        PluginError: no such modality, or one that cannot be used.
    """
    from mt_core.plugins import find

    return find(modality_or_run) if means_modality(modality_or_run) else plugin_of_run(modality_or_run)


def plugin_of_run(folder: str) -> PluginMetadata:
    """What is known, without importing it, of the plugin of the run in a folder.

    Raises:
        RunError: no run that can be read, or one that was interrupted.
        PluginError: its modality is not installed, or cannot be used.
    """
    from mt_core.errors import RunError
    from mt_core.plugins import find
    from mt_core.training.run_record import RUN, read_finished

    try:
        return find(str(read_finished(Path(folder))["modality"]))
    except KeyError as error:
        raise RunError(f"{Path(folder) / RUN} lacks {error}", fix="train the run again") from None


def data_of_run(folder: str) -> str:
    """The folder or file that a run was trained on, as it was named.

    Raises:
        RunError: no run that can be read, or one that was interrupted.
        OptionError: it was trained on samples in memory.
    """
    from mt_core.training.run_record import read_finished

    root = read_finished(Path(folder)).get("data", {}).get("root")
    if root is None:
        raise OptionError(f"the run in {folder} was trained on samples in memory", fix="name a folder, by --data DIR")
    return str(root)


def check_encoder(name: str | None, plugin: PluginMetadata) -> None:
    """Refuse what no encoder is called, before torch is imported; a plugin with hooks may have names of its own.

    Raises:
        EncoderError: no name of an encoder, or no file of one.
    """
    from mt_core.encoder.names import parse_name

    if name is not None:
        parse_name(name, added=[name] if plugin.raw.get("hooks") else [])


def suffixes_of(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The suffixes that each of these modalities reads."""
    from mt_core.plugins import list_plugins

    return {plugin.name: tuple(plugin.raw.get("suffixes", ())) for plugin in list_plugins() if plugin.name in names}


def _by_suffix(named: tuple[str, ...], suffixes_by_name: Mapping[str, tuple[str, ...]]) -> str:
    every = sorted({suffix for suffixes in suffixes_by_name.values() for suffix in suffixes})
    candidates_of: dict[tuple[str, ...], str] = {}
    expanded = expand(named, every)
    for file in expanded:
        claiming = tuple(name for name, suffixes in suffixes_by_name.items() if has_suffix(file, suffixes))
        candidates_of.setdefault(claiming, file)
    common = [name for name in suffixes_by_name if all(name in claiming for claiming in candidates_of)]
    if len(common) == 1:
        return common[0]
    if common:
        return _asked(common, named)
    if () in candidates_of:
        raise OptionError(
            f"no installed plugin reads {candidates_of[()]}",
            fix="`mt list` shows what can be installed; name the modality first if the file's suffix is unusual",
        )
    if any(os.path.isdir(name) or (is_url(name) and name not in expanded) for name in named):
        return ""
    kinds = "; ".join(f"{file}: {' or '.join(claiming)}" for claiming, file in candidates_of.items())
    raise OptionError(f"these are of several modalities ({kinds})", fix="--by-suffix embeds each by its own")


def _asked(candidates: list[str], named: tuple[str, ...]) -> str:
    """The modality that a person at a terminal chooses; elsewhere an error that names the candidates."""
    if sys.stdin.isatty():
        chosen: str = click.prompt(f"what is in {named[0]}?", type=click.Choice(candidates), err=True)
        return chosen
    raise OptionError(
        f"{named[0]} may be of {len(candidates)} modalities: {', '.join(candidates)}",
        fix=f"say which: mt embed {candidates[0]} {named[0]} …",
    )
