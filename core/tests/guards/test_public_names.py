"""Names that are fetched when first used stand twice: in a table, and under TYPE_CHECKING for editors and mypy."""

import ast
import importlib
from pathlib import Path

import pytest

import mt_core
import mt_core.contract
import mt_core.embedding
import mt_core.encoder
import mt_core.plugins
import mt_core.training

PACKAGES = [mt_core, mt_core.contract, mt_core.embedding, mt_core.encoder, mt_core.plugins, mt_core.training]


def two_tables(code: str) -> tuple[dict[str, str], dict[str, str]]:
    """Name to module, once as `_HOME` says it and once as the imports for types do."""
    home: dict[str, str] = {}
    typed: dict[str, str] = {}
    for node in ast.parse(code).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOME":
            home = ast.literal_eval(node.value)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for line in node.body:
                if isinstance(line, ast.ImportFrom):
                    assert all(alias.asname == alias.name for alias in line.names), "write `as`, or it is not exported"
                    typed.update({alias.name: line.module.rpartition(".")[2] for alias in line.names})
    return home, typed


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_both_tables_agree(package):
    home, typed = two_tables(Path(package.__file__).read_text(encoding="utf-8"))
    assert home and home == typed
    assert package.__all__ == sorted(package.__all__) and set(home) <= set(package.__all__)
    assert all(hasattr(package, name) for name in package.__all__)


@pytest.mark.parametrize(
    ("package", "name"),
    [(package, name) for package in PACKAGES for name in package._HOME],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_public_name_is_where_the_table_says(package, name):
    module = importlib.import_module(f"{package.__name__}.{package._HOME[name]}")
    assert getattr(package, name) is getattr(module, name)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_a_name_that_is_not_public_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        package.nonsense  # noqa: B018


def test_every_error_is_public():
    errors = importlib.import_module("mt_core.errors")
    ours = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert ours <= set(mt_core.__all__)


def test_the_version_is_the_distributions():
    import importlib_metadata

    assert mt_core.__version__ == importlib_metadata.version("mt-core")


@pytest.mark.parametrize(
    "typed",
    ["pass", "from mt_core.model import MtError as MtError", "from mt_core.errors import InputError as InputError"],
)
def test_tables_that_differ_are_caught(typed):
    home, names = two_tables(f'_HOME = {{"MtError": "errors"}}\nif TYPE_CHECKING:\n    {typed}')
    assert home != names
