"""Every error is in the tree that `errors.py` draws, says what it is, is provoked by a test, and made with a fix."""

import ast
import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from mt_core import errors

ROOT = Path(errors.__file__).parents[3]
SOURCES = [ROOT / "core" / "src", *sorted((ROOT / "plugins").glob("*/src"))]
TESTS = [ROOT / "core" / "tests", ROOT / "tests", *sorted((ROOT / "plugins").glob("*/tests"))]

ERRORS = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, errors.MtError) and value.__module__ == errors.__name__
}


def drawn(tree: str) -> dict[str, str]:
    """Each error of a drawn tree and the one that it hangs on."""
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in tree.splitlines():
        name = next((word for word in line.split() if word.endswith("Error")), None)
        is_drawn = line.strip().startswith(("├", "└", "│")) or line.strip() == "MtError"
        if name is None or not is_drawn:
            continue
        column = line.index(name)
        above = [(left, other) for left, other in above if left < column]
        if above:
            parents[name] = above[-1][1]
        above.append((column, name))
    return parents


def python_files(folders: Iterable[Path]) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def last_name(node: ast.expr) -> str:
    """`InputError` of `InputError`, `mt.InputError` and `errors.InputError`; "" of what has no name."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def provoked(code: str) -> set[str]:
    """The errors that a test module expects by `pytest.raises`, in itself or by a function of its own."""
    nodes = list(ast.walk(ast.parse(code)))
    calls = [node for node in nodes if isinstance(node, ast.Call) and node.args]
    expected = [node for node in calls if last_name(node.func) == "raises"]
    passed_on = {last_name(node.args[0]) for node in expected}
    expecting = {
        node.name
        for node in nodes
        if isinstance(node, ast.FunctionDef) and passed_on & {argument.arg for argument in node.args.args}
    }
    expected += [node for node in calls if last_name(node.func) in expecting]
    return {last_name(part) for node in expected for part in ast.walk(node.args[0]) if isinstance(part, ast.expr)}


def without_fix(code: str) -> Iterator[int]:
    """The lines on which an error of ours is made without a fix, or with an empty one."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call) or last_name(node.func) not in ERRORS:
            continue
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        fix = named.get("fix") or (node.args[1] if len(node.args) > 1 else None)
        is_passed_on = any(isinstance(argument, ast.Starred) for argument in node.args) or None in named
        if not is_passed_on and (fix is None or (isinstance(fix, ast.Constant) and not fix.value)):
            yield node.lineno


def test_the_tree_is_that_of_the_classes():
    assert drawn(errors.__doc__) == {
        name: error.__base__.__name__ for name, error in ERRORS.items() if error is not errors.MtError
    }


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_says_what_it_is(name):
    assert "__doc__" in vars(ERRORS[name]) and ERRORS[name].__doc__.strip()


@pytest.mark.parametrize("folder", SOURCES, ids=lambda folder: folder.parent.name)
def test_every_error_is_raised_with_a_fix(folder):
    files = python_files([folder])
    assert files
    places = [f"{path}:{line}" for path in files for line in without_fix(path.read_text(encoding="utf-8"))]
    assert places == []


def test_every_error_is_provoked_by_a_test():
    files = [path for path in python_files(TESTS) if path.name.startswith("test_") and path != Path(__file__)]
    expected = set().union(*(provoked(path.read_text(encoding="utf-8")) for path in files))
    assert set(ERRORS) - expected == set()


@pytest.mark.parametrize(
    ("tree", "parents"),
    [
        ("MtError\n└── InputError   a file", {"InputError": "MtError"}),
        (
            "MtError\n├── A-Error\n│   └── BError\n└── CError",
            {"A-Error": "MtError", "BError": "A-Error", "CError": "MtError"},
        ),
        ("An MtError is not an InputError", {}),
    ],
)
def test_a_tree_is_read_as_it_is_drawn(tree, parents):
    assert drawn(tree) == parents


@pytest.mark.parametrize(
    "code",
    ["InputError('unreadable')", "mt.InputError('unreadable', '')", "raise InputError('unreadable', fix='') from None"],
)
def test_an_error_without_a_fix_is_caught(code):
    assert list(without_fix(code)) == [1]


@pytest.mark.parametrize("code", ["InputError('bad', 'mend it')", "InputError('bad', fix=text)", "InputError(*both)"])
def test_an_error_with_a_fix_passes(code):
    assert list(without_fix(code)) == []


@pytest.mark.parametrize("code", ["from mt_core.errors import InputError", "assert InputError('bad', 'mend it').fix"])
def test_an_error_that_a_test_only_mentions_is_not_provoked(code):
    assert "InputError" not in provoked(code)


@pytest.mark.parametrize(
    "code",
    [
        "with pytest.raises(InputError): read()",
        "with pytest.raises((ValueError, mt.InputError)): read()",
        "def refused(kind):\n    with pytest.raises(kind): read()\nrefused(InputError)",
    ],
)
def test_an_error_that_a_test_expects_is_provoked(code):
    assert "InputError" in provoked(code)
