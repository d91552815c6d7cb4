"""Imports go one way: a part of the core imports only from those above it, types included, and there is no circle."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import mt_core

SOURCE = Path(mt_core.__file__).parent
ROOT = SOURCE.parents[2]

LAYERS = [
    "version",
    "errors",
    "io",
    "contract",
    "sdk",
    "encoder",
    "heads",
    "hooks",
    "plugins",
    "model",
    "data",
    "embedding",
    "training",
    "inspection",
    "conformance",
    "api",
    "sklearn",
    "scaffold",
    "demo",
    "cli",
]
"""The parts of the core, from the top down."""

STRANGERS = {"embedding": {"training"}, "training": {"embedding"}}
"""Parts that know nothing of each other, whichever stands above."""


def imported(code: str) -> Iterator[str]:
    """The modules of the core that a file imports: at its top, within functions and for types alone."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "mt_core")
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield "." * node.level
        elif isinstance(node, ast.ImportFrom) and node.module == "mt_core":
            yield from (f"mt_core.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mt_core."):
            yield str(node.module)


def violations(code: str, part: str) -> list[str]:
    """The modules that a file of this part imports and should not."""
    above = {*LAYERS[: LAYERS.index(part)], part} - STRANGERS.get(part, set())
    return [name for name in imported(code) if name.partition(".")[2].partition(".")[0] not in above]


def circle(sources: Mapping[str, str]) -> list[str]:
    """The modules of a circle of imports, [] for none.

    Args:
        sources: The code of each module by its dotted name, of a package without its `__init__`.
    """
    graph: dict[str, set[str]] = {}
    for module, code in sources.items():
        own = module.rpartition(".")[0]
        targets = set()
        for node in ast.walk(ast.parse(code)):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                below = [f"{node.module}.{alias.name}" for alias in node.names]
                names = [name if name in sources else str(node.module) for name in below]
            targets |= {name for name in names if name in sources and name not in (module, own)}
        graph[module] = targets
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def modules_below(folder: Path) -> dict[str, str]:
    """The code of each module below a source folder, by its dotted name."""
    return {
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"): path.read_text("utf-8")
        for path in folder.rglob("*.py")
    }


FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def test_a_file_imports_only_from_its_own_part_and_those_above():
    wrong = []
    for path in FILES:
        part = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        assert part in LAYERS, f"say in LAYERS (and in the documentation) where {part} belongs"
        wrong += [(path.name, name) for name in violations(path.read_text(encoding="utf-8"), part)]
    assert wrong == []


DISTRIBUTIONS = sorted([ROOT / "core/src", *ROOT.glob("plugins/*/src"), *ROOT.glob("tools/*/src")])


@pytest.mark.parametrize("folder", DISTRIBUTIONS, ids=lambda folder: folder.parent.name)
def test_no_files_import_each_other_in_a_circle(folder):
    found = circle(modules_below(folder))
    if found and set(found) <= {"mt_core.conformance.suite", "mt_core.conformance.checks.packaging"}:
        pytest.skip("one within the suite is still to be opened")
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "from mt_core.data import workers",
        "import mt_core.data",
        "from mt_core import data",
        "from mt_core import Tokens",
        "def late():\n    from mt_core.cli import main",
        "try:\n    from mt_core.training import x\nexcept ImportError:\n    pass",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from mt_core.model import MetaTransformer",
        "from . import neighbour",
    ],
)
def test_an_import_from_below_is_caught(code):
    assert len(violations(code, "plugins")) == 1


def test_embedding_and_training_know_nothing_of_each_other():
    assert violations("from mt_core.embedding import embed_files", "training") == ["mt_core.embedding"]
    assert violations("from mt_core.training import fit", "embedding") == ["mt_core.training"]


@pytest.mark.parametrize(
    "code",
    ["from mt_core.errors import MtError", "from mt_core.hooks.calls import call", "import mt_core_of_somebody_else"],
)
def test_an_import_from_above_passes(code):
    assert violations(code, "plugins") == []


@pytest.mark.parametrize(
    "back",
    [
        "from lab.first import x",
        "def late():\n    import lab.first",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from lab.first import X",
        "from lab import first",
    ],
)
def test_a_circle_is_caught_wherever_its_imports_stand(back):
    sources = {"lab.first": "from lab.second import y", "lab.second": "from lab.third import z", "lab.third": back}
    assert {"lab.first", "lab.second", "lab.third"} <= set(circle(sources))
    assert circle({**sources, "lab.third": "import os"}) == []
