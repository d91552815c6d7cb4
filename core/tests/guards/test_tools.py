"""Tools stand on what docs/authors/commands.md offers them, and know no modality by name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/authors/commands.md"
SOURCES = sorted(ROOT.glob("tools/*/src/**/*.py"))


def offered() -> set[str]:
    """The modules that the page's table names."""
    table = PAGE.read_text("utf-8").partition("\n## What a tool may use\n")[2]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`(mt_core[\w.]*)`", cell)}


def imports(code: str) -> Iterator[tuple[str, str]]:
    """Module and name of each import of the core or of a plugin; "" for a whole module."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found = [(node.module or "", alias.name) for alias in node.names]
        else:
            continue
        yield from (each for each in found if each[0].partition(".")[0] == "mt_core" or each[0].startswith("mt_plugin"))


def faults(code: str, modules: set[str]) -> list[str]:
    """What a tool's source uses and should not."""
    wrong = [
        f"{module}.{name}"
        for module, name in imports(code)
        if name.startswith("_") or not {module, f"{module}.{name}"} & modules
    ]
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("get", "load") and isinstance(node.func, ast.Name):
                wrong.append(f"{called}({node.args[0].value!r})")
    return wrong


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(ROOT / "tools").as_posix())
def test_a_tool_uses_what_the_page_offers_and_names_no_modality(source):
    assert faults(source.read_text("utf-8"), offered()) == []


def test_the_page_offers_no_more_than_is_used_or_public_to_plugins():
    used = {module for source in SOURCES for module, _ in imports(source.read_text("utf-8"))}
    used |= {f"{module}.{name}" for source in SOURCES for module, name in imports(source.read_text("utf-8"))}
    for_plugins = {f"mt_core{part}" for part in ("", ".contract", ".errors", ".heads", ".hooks", ".sdk", ".sdk.blocks")}
    assert offered() - used - for_plugins == set()


@pytest.mark.parametrize(
    "code",
    [
        "from mt_core.training.fitting import fit",
        "from mt_core.plugins.registry import _registry",
        "from mt_core.errors import _hidden",
        "import mt_core.embedding.parts",
        "def late():\n    from mt_plugin_image.reading import read_picture",
        "plugin = get('image')",
    ],
)
def test_what_is_not_offered_is_caught(code):
    assert len(faults(code, offered())) == 1
