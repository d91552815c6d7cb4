"""The reference, from the code itself: commands, Python names, manifest, errors, conformance checks."""

from __future__ import annotations

import inspect
import sys
from html import escape
from importlib import import_module
from itertools import groupby
from types import ModuleType
from typing import Any, Literal, get_args, get_origin

import click
from modality_pages import code, table
from pydantic import BaseModel

from mt_core import errors
from mt_core.cli import COMMANDS, group
from mt_core.conformance import CHECKS
from mt_core.contract import Options
from mt_core.contract.option_types import DescribedOption, describe_options, takes
from mt_core.plugins.manifest import Capability, Deviation, Manifest, Unused
from mt_core.plugins.official import OFFICIAL_COMMANDS
from mt_core.training import Recipe

PYTHON = {
    "mt_core": (
        "mt_core",
        "The front door: `import mt_core as mt`. The classes of the [contract](contract.md) and the "
        "[errors](../errors.md) are names of `mt_core` as well.",
    ),
    "contract": ("mt_core.contract", "What the author of a plugin implements and receives."),
    "sdk": ("mt_core.sdk", "What plugins build on, under the promise of the contract."),
    "blocks": ("mt_core.sdk.blocks", "Building blocks of tokenizers."),
    "heads": ("mt_core.heads", "The heads of the core, by task, with their options (`-H` of `mt train`)."),
    "plugins": ("mt_core.plugins", "What is installed, and the code of what is asked for."),
    "hookspecs": ("mt_core.hooks.specs", "The places where a plugin can act around the core's own work."),
    "pretraining": ("mt_pretrain", "An encoder of your own, from `mt-pretrain`: [how](../../pretraining.md)."),
    "conformance": ("mt_core.conformance", "The conformance suite."),
}
"""A page of Python names each: its module, and what to say of it."""

_ELSEWHERE = {"mt_core": ("mt_core.contract", "mt_core.errors")}


def pages() -> dict[str, str]:
    """All of them, by their place in the site."""
    python = {f"reference/python/{page}.md": _python(*about) for page, about in PYTHON.items()}
    return {
        "reference/cli.md": cli(),
        "reference/manifest.md": manifest(),
        "reference/errors.md": all_errors(),
        "reference/checks.md": checks(),
        **python,
    }


def cli() -> str:
    """Every command with its arguments, options and their help, as `mt COMMAND --help` has them."""
    parts = [
        "# Commands",
        "The same as `mt COMMAND --help`. Exit codes: 0 done, 1 done with failures, 2 not possible, 130 interrupted.",
        "```text\nmt [OPTIONS] COMMAND [ARGS]...\n```",
        _options(group),
    ]
    for name in (*COMMANDS, *OFFICIAL_COMMANDS):
        command = group.get_command(click.Context(group), name)
        assert command is not None  # it raises for one that is not there
        context = click.Context(command, info_name=f"mt {name}")
        said = escape(inspect.cleandoc(command.help or ""), quote=False)
        parts += [f"## mt {name}", said, f"```text\n{command.get_usage(context).removeprefix('Usage: ')}\n```"]
        parts.append(_options(command))
    return "\n\n".join(part for part in parts if part)


def _options(command: click.Command) -> str:
    rows = []
    for option in command.params:
        if isinstance(option, click.Option) and (said := option.get_help_record(click.Context(command))):
            rows.append((code(said[0]), escape(said[1], quote=False)))
    return table(("option", ""), rows)


def manifest() -> str:
    """Every field of `plugin.toml`."""
    parts = [
        "# The manifest",
        "A plugin's `plugin.toml`: all that can be known without importing the plugin. The "
        "[guide for authors](../authors/contract.md#the-manifest) has one to copy.",
        table(("key", "", "takes", "meaning"), map(_field, Manifest.model_fields.items())),
        "## Capabilities",
        "Each is one of " + ", ".join(map(code, get_args(Capability))) + "; "
        "[what they say](../authors/contract.md#capabilities).",
        "## Deviations",
        "A table a deviation, `[[deviations]]`, of",
        table(("key", "", "takes", "meaning"), map(_field, Deviation.model_fields.items())),
        "## Unused parts of a sample",
        "A table a part, `[[unused]]`, of",
        table(("key", "", "takes", "meaning"), map(_field, Unused.model_fields.items())),
        "## Recipe",
        "How to train: what a manifest's `recipe` may set for its modality, what `fit` takes, and what a run writes "
        "down. A user's own word goes before the plugin's, and that before the defaults here.",
        table(("key", "type", "default", "meaning"), map(_option, describe_options(Recipe))),
    ]
    return "\n\n".join(parts)


def _field(item: tuple[str, Any]) -> tuple[str, ...]:
    name, field = item
    needed = "required" if field.is_required() else "optional"
    return code(name), needed, _takes(field.annotation), field.description or ""


def _option(option: DescribedOption) -> tuple[str, ...]:
    return code(option.name), code(option.takes), code(option.default), option.meaning


def _takes(annotation: object) -> str:
    """A TOML value that fits, in words."""
    if annotation is str or get_origin(annotation) is Literal:
        return "text"
    arguments = [each for each in get_args(annotation) if each not in (type(None), ...)]
    if get_origin(annotation) is tuple:
        return "list of tables" if arguments[0] in (Deviation, Unused) else "list of texts"
    if get_origin(annotation) is dict:
        return "table"
    return _takes(arguments[0]) if arguments else "text"


def all_errors() -> str:
    """Every error with its docstring, under the one that it is a kind of."""
    tree = (errors.__doc__ or "").partition("\n\n")[2]
    drawing = inspect.cleandoc(tree.partition("\n\n")[0])
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__module__ == errors.__name__]
    parts = [
        "# Errors",
        "Every failure that a user can meet is an `MtError`, and says what is wrong with which thing (`problem`) and "
        "the next thing to try (`fix`). On the command line it is two lines and exit code 2; `MT_DEBUG=1` shows its "
        "traceback. Any other exception is a defect of ours.",
        f"```text\n{drawing}\n```",
    ]
    for kind in kinds:
        base = kind.__bases__[0].__name__
        parts += [f"## {kind.__name__}", f"*A kind of `{base}`.*", inspect.getdoc(kind) or ""]
    return "\n\n".join(parts)


def checks() -> str:
    """Every check of the conformance suite, a family after the other."""
    parts = [
        "# Conformance checks",
        f"The {len(CHECKS)} checks of `mt check`. A check that *needs* a capability is skipped where the manifest does "
        "not declare it. One that came *since* a later contract than the plugin's is advisory. One that is not "
        "*waivable* cannot be declared as a deviation.",
    ]
    for family, members in groupby(CHECKS, key=lambda check: check.family):
        parts.append(f"## {family.capitalize()}")
        for check in members:
            notes = [
                f"since contract {check.since}",
                f"needs `{check.needs}`" if check.needs else "",
                "" if check.waivable else "not waivable",
                "advisory" if check.advisory else "",
            ]
            parts += [
                f"### {check.title} {{ #{check.name} }}",
                check.doc,
                f"`{check.name}` · {' · '.join(filter(None, notes))}",
            ]
    return "\n\n".join(parts)


def _python(module: str, about: str) -> str:
    """The public names of a module, each by its docstring: classes, then functions, then the rest."""
    imported = import_module(module)
    elsewhere = {name for other in _ELSEWHERE.get(module, ()) for name in vars(import_module(other))}
    names = [name for name in public_names(module) if name not in elsewhere]
    told = [f"# {module}", about]
    for name in sorted(names, key=lambda name: _rank(getattr(imported, name))):
        told.append(f"::: {module}.{_defined(imported, name)}")
        told.append(_fields(getattr(imported, name)))
    return "\n\n".join(part for part in told if part)


def public_names(module: str) -> list[str]:
    """What a module exports: its `__all__`, or of the hook specifications the hooks."""
    imported = import_module(module)
    names = getattr(imported, "__all__", None)
    return list(names) if names is not None else [name for name in vars(imported) if name.startswith("mt_")]


def _rank(value: object) -> int:
    return 0 if inspect.isclass(value) else 1 if inspect.isfunction(value) else 2


def _defined(module: ModuleType, name: str) -> str:
    """The path to a name below a module; where the module has a file of that name, the one in the file."""
    is_file = f"{module.__name__}.{name}" in sys.modules
    return f"{name}.{name}" if is_file and hasattr(sys.modules[f"{module.__name__}.{name}"], name) else name


def _fields(value: object) -> str:
    """The fields of a pydantic model, which stand in no docstring."""
    if inspect.isclass(value) and issubclass(value, Options):
        return table(("option", "type", "default", "meaning"), map(_option, describe_options(value)))
    if not (inspect.isclass(value) and issubclass(value, BaseModel)):
        return ""
    rows = [
        (code(name), code(takes(field)), "" if field.is_required() else code(repr(field.default)), said)
        for name, field in value.model_fields.items()
        if (said := field.description)
    ]
    return table(("field", "type", "default", "meaning"), rows)
