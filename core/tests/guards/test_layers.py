"""A part of the core imports only from the parts above it in this list."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mt_core

SOURCE = Path(mt_core.__file__).parent

LAYERS = [
    "version",
    "errors",
    "contract",
    "files",
    "nn",
    "plugins",
    "encoder",
    "heads",
    "progress",
    "report",
    "whole",
    "model",
    "training",
    "embedding",
    "pretraining",
    "testing",
    "scaffold",
    "demo",
    "cli",
]

FRONT_DOOR = {"model": {"training", "embedding"}}
"""What a part may also import from below when it is called: `model.fit` and `model.embed` are where users enter."""


def imported(tree: ast.AST, is_late: bool = False) -> Iterator[tuple[str, bool]]:
    """The modules of the core that a file imports, and whether within a function; not those for types alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                yield from imported(other, is_late)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, is_late) for alias in node.names if alias.name.split(".")[0] == "mt_core")
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield "." * node.level, is_late
        elif isinstance(node, ast.ImportFrom) and node.module == "mt_core":
            yield from ((f"mt_core.{alias.name}", is_late) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("mt_core."):
            yield node.module, is_late
        else:
            yield from imported(node, is_late or isinstance(node, ast.FunctionDef))


def violations(code: str, part: str) -> list[str]:
    """The modules that a file of this part imports and should not."""
    above = {*LAYERS[: LAYERS.index(part)], part}
    when_called = above | FRONT_DOOR.get(part, set())
    return [
        name
        for name, is_late in imported(ast.parse(code))
        if name.partition(".")[2].partition(".")[0] not in (when_called if is_late else above)
    ]


FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_a_file_imports_only_from_its_own_part_and_those_above(path):
    part = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    assert part in LAYERS, f"say in LAYERS (and in the documentation) where {part} belongs"
    assert violations(path.read_text(encoding="utf-8"), part) == []


@pytest.mark.parametrize(
    "code",
    [
        "from mt_core.encoder import load_encoder",
        "import mt_core.encoder",
        "from mt_core import encoder",
        "from mt_core import Tokens",
        "def late():\n    from mt_core.cli import main",
        "try:\n    from mt_core.heads import x\nexcept ImportError:\n    pass",
        "from . import neighbour",
    ],
)
def test_an_import_from_below_is_caught(code):
    assert len(violations(code, "plugins")) == 1


def test_the_front_door_opens_below_only_when_called():
    assert violations("def fit(model):\n    from mt_core.training import fit", "model") == []
    assert violations("from mt_core.training import fit", "model") == ["mt_core.training"]
    assert violations("def show():\n    from mt_core.cli import main", "model") == ["mt_core.cli"]


@pytest.mark.parametrize(
    "code",
    [
        "from mt_core.errors import MtError",
        "from mt_core.plugins.discovery import Found",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from mt_core.encoder import Encoder",
        "import mt_core_of_somebody_else",
    ],
)
def test_an_import_from_above_or_for_types_passes(code):
    assert violations(code, "plugins") == []
