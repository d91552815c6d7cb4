"""Every test can fail by what it asserts: an assertion, an error or a warning that must come, a function of those."""

import ast
from pathlib import Path

import pytest

import mt_core

ROOT = Path(mt_core.__file__).parents[3]
FOLDERS = [ROOT / "core" / "tests", ROOT / "tests", *sorted((ROOT / "plugins").glob("*/tests"))]


def asserting(function: ast.AST, known: set[str], failures: set[str] = frozenset()) -> bool:
    """Whether a function asserts something itself, or calls one that is known to. `assert x is x` asserts nothing.

    Args:
        known: Functions that do.
        failures: Errors that are raised as an assertion would be.
    """
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and not is_always_true(node.test):
            return True
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and ast.unparse(node.exc.func) in failures:
            return True
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            last = name.rpartition(".")[2]
            if name in ("pytest.raises", "pytest.warns", "pytest.fail") or last.startswith("assert_") or last in known:
                return True
    return False


def is_always_true(condition: ast.expr) -> bool:
    if isinstance(condition, ast.Constant):
        return bool(condition.value)
    if isinstance(condition, ast.Compare) and isinstance(condition.ops[0], ast.Is | ast.Eq):
        return ast.dump(condition.left) == ast.dump(condition.comparators[0])
    return False


def asserting_nothing(code: str) -> list[str]:
    """The tests of a module that assert nothing."""
    tree = ast.parse(code)
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    failures = {one.name for one in classes if "AssertionError" in map(ast.unparse, one.bases)}
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    known: set[str] = set()
    while found := {one.name for one in functions if one.name not in known and asserting(one, known, failures)}:
        known |= found
    return [one.name for one in functions if one.name.startswith("test_") and one.name not in known]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_every_test_asserts_something(folder):
    paths = sorted(folder.rglob("test_*.py"))
    assert paths
    nothing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in paths
        for name in asserting_nothing(path.read_text(encoding="utf-8"))
    ]
    assert nothing == []


@pytest.mark.parametrize(
    "body",
    [
        "encode(tokens)",
        "assert True",
        "assert tokens is tokens",
        "encode(tokens) == tokens",
        "show(tokens)",
        "with warnings.catch_warnings(): encode(tokens)",
    ],
)
def test_a_test_that_cannot_fail_by_an_assertion_is_caught(body):
    code = f"def show(tokens):\n    print(tokens)\ndef test_tokens():\n    {body}"
    assert asserting_nothing(code) == ["test_tokens"]


@pytest.mark.parametrize(
    "body",
    [
        "assert tokens",
        "with pytest.raises(TokensError): encode(tokens)",
        "torch.testing.assert_close(tokens, tokens)",
        "for token in tokens: outer(token)",
        "Reader().read(tokens)",
    ],
)
def test_a_test_that_asserts_passes(body):
    code = f"""
class Unread(AssertionError): ...
class Reader:
    def read(self, tokens):
        if not tokens:
            raise Unread("nothing")
def outer(token):
    same(token)
def same(token):
    assert token
def test_tokens():
    {body}
"""
    assert asserting_nothing(code) == []
