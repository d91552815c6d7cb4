"""docs/authors/reference.md, what a plugin may import, from its docstrings: `python docs/author_reference.py`.

Declarations are read from the sources, so that they are the same under every version of Python.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from textwrap import indent

import reference_pages

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "core/src/mt_core"
PAGE = ROOT / "docs/authors/reference.md"

MODULES = ("contract", "sdk", "sdk.blocks", "heads", "errors", "hooks.specs")
"""What a plugin may import from; of the hooks their specifications, of which it implements some."""

_BEGINNING = """# What a plugin imports

Every public name with its docstring, to be read without building the site, which shows the same with links.
`python -m pydoc mt_core.contract.Tokenizer` prints one in a terminal.

This page is made from the sources: `python docs/author_reference.py`."""

Definition = ast.ClassDef | ast.FunctionDef | ast.Assign | ast.AnnAssign


def page() -> str:
    """The whole page."""
    parts = [_BEGINNING]
    for module in MODULES:
        parts.append(f"## mt_core.{module}")
        parts += [f"### {name}\n\n```text\n{text}\n```" for name, text in _described(module)]
    parts += [_as_section(reference_pages.manifest()), _as_section(reference_pages.checks())]
    return "\n\n".join(parts) + "\n"


def _as_section(text: str) -> str:
    """A page of the site as a section of this one."""
    return re.sub(r" \{ #\w+ \}$", "", re.sub(r"^#", "##", text, flags=re.MULTILINE), flags=re.MULTILINE)


def _described(module: str) -> Iterator[tuple[str, str]]:
    """The public names of a module or package, classes first, each with its declaration and docstring."""
    path = SOURCES / module.replace(".", "/")
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    trees = [ast.parse(file.read_text("utf-8")) for file in files]
    found: dict[str, tuple[Definition, str]] = {}
    for tree in trees:
        for node, following in zip(tree.body, [*tree.body[1:], None], strict=True):
            if isinstance(node, Definition):
                found |= {name: (node, _comment(following)) for name in _names(node)}
    public = getattr(import_module(f"mt_core.{module}"), "__all__", None) or found
    names = [name for name in public if name in found and not name.startswith("_")]
    for name in sorted(names, key=lambda name: (not isinstance(found[name][0], ast.ClassDef), name)):
        yield name, _text(*found[name])


def _names(node: Definition) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _comment(following: ast.stmt | None) -> str:
    """The text that stands below a constant."""
    is_text = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
    return cleandoc(str(following.value.value)) if is_text else ""  # type: ignore[union-attr]


def _text(node: Definition, comment: str) -> str:
    """A declaration, and below it what is said of it."""
    if isinstance(node, ast.FunctionDef):
        return _function(node)
    if not isinstance(node, ast.ClassDef):
        value = ast.unparse(node.value) if node.value else ""
        target = _names(node)[0] + (f": {ast.unparse(node.annotation)}" if isinstance(node, ast.AnnAssign) else "")
        short = value if len(value) < 200 else f"{value[:200]} …"
        return "\n".join(filter(None, (f"{target} = {short}", indent(comment, "    "))))
    bases = ", ".join(map(ast.unparse, node.bases))
    lines = [
        f"class {node.name}({bases})" if bases else f"class {node.name}",
        indent(ast.get_docstring(node) or "", "    "),
    ]
    for member, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(member, ast.FunctionDef) and (member.name == "__init__" or not member.name.startswith("_")):
            lines.append(indent(_function(member), "    ") + "\n")
        elif isinstance(member, ast.AnnAssign) and not ast.unparse(member.target).startswith(("_", "model_config")):
            lines.append(indent(_field(member, _comment(following)), "    "))
    return "\n".join(filter(None, lines)).rstrip()


def _function(node: ast.FunctionDef) -> str:
    shown = ("property", "classmethod", "staticmethod", "abstractmethod")
    decorators = [ast.unparse(each) for each in node.decorator_list]
    kinds = "".join(f"@{each} " for each in decorators if each in shown)
    returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    heading = f"{kinds}def {node.name}({ast.unparse(node.args)}){returned}"
    return "\n".join(filter(None, (heading, indent(ast.get_docstring(node) or "", "    "))))


def _field(node: ast.AnnAssign, comment: str) -> str:
    """A field, with the description that stands in its `Field(…)`."""
    called = node.value.keywords if isinstance(node.value, ast.Call) else []
    given = {each.arg: each.value for each in called}
    said = ast.literal_eval(given["description"]) if "description" in given else comment
    default = "" if node.value is None else f" = {ast.unparse(node.value)}"
    if isinstance(node.value, ast.Call):
        default = f" = {ast.unparse(given['default'])}" if "default" in given else ""
    heading = f"{ast.unparse(node.target)}: {ast.unparse(node.annotation)}{default}"
    return "\n".join(filter(None, (heading, indent(said, "    "))))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(page().splitlines())} lines")
