"""Imports and unpickling in the source of a module, found without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module

PUBLIC = (
    "mt_core.contract",
    "mt_core.errors",
    "mt_core.sdk",
    "mt_core.heads",
    "mt_core.sdk.blocks",
    "mt_core.conformance",
)
"""Modules of the core that a plugin may import from, beside `mt_core` itself and `mt_core.hooks.hookimpl`."""

_PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal"}
_UNPICKLING = {"joblib.load", "pandas.read_pickle"}


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every import that is not only for type checkers: its line, and the dotted name of what is imported."""
    if isinstance(tree, ast.If) and "TYPE_CHECKING" in (getattr(tree.test, "id", ""), getattr(tree.test, "attr", "")):
        children: list[ast.stmt] = tree.orelse
    else:
        children = list(ast.iter_child_nodes(tree))  # type: ignore[arg-type]
    if isinstance(tree, ast.Import):
        yield from ((tree.lineno, alias.name) for alias in tree.names)
    elif isinstance(tree, ast.ImportFrom) and tree.level == 0:
        yield from ((tree.lineno, f"{tree.module}.{alias.name}") for alias in tree.names)
    for child in children:
        yield from imports(child)


def is_public(imported: str, package: str, *, is_tool: bool = False) -> bool:
    """Whether a plugin of this package may import a name.

    Args:
        is_tool: Its modality is made of others: then it may use further modules, by names without an underscore.
    """
    top, *rest = imported.split(".")
    if is_tool and top == "mt_core":
        return not any(part.startswith("_") for part in rest)
    if top.startswith("mt_plugin_"):
        return top == package
    return top != "mt_core" or imported in _public_names()


@cache
def _public_names() -> frozenset[str]:
    """All names that a plugin may import, with their modules."""
    names = {"mt_core", "mt_core.*", "mt_core.hooks", "mt_core.hooks.hookimpl", *PUBLIC}
    for module in ("mt_core", *PUBLIC):
        names.add(f"{module}.*")
        content = import_module(module)
        exported = getattr(content, "__all__", None) or [name for name in vars(content) if not name.startswith("_")]
        names.update(f"{module}.{name}" for name in exported)
    return frozenset(names)


def unpicklings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Where a module unpickles: the line, and how."""
    aliases: dict[str, str] = {}  # the full names of what the file imports
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                aliases[alias.asname or top] = alias.name if alias.asname else top
                if top in _PICKLES:
                    yield node.lineno, f"imports {alias.name}"
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            if str(node.module).partition(".")[0] in _PICKLES:
                yield node.lineno, f"imports {node.module}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = _dotted(node.func, aliases)
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            if called == "torch.load" and not _is_literally(given.get("weights_only"), True):
                yield node.lineno, "calls torch.load without weights_only=True"
            if called in _UNPICKLING:
                yield node.lineno, f"calls {called}"
            if "allow_pickle" in given and not _is_literally(given["allow_pickle"], False):
                yield node.lineno, "allows pickles"


def _dotted(node: ast.expr, aliases: Mapping[str, str]) -> str:
    """The full name of what is called, `torch.load`; "" if it is not a name."""
    if isinstance(node, ast.Name):
        return aliases.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        of = _dotted(node.value, aliases)
        return f"{of}.{node.attr}" if of else ""
    return ""


def _is_literally(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
