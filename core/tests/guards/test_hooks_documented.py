"""Every hook has a docstring, stands on the authors' page with the code's signature and an example, and is tested."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mt_core.hooks import calls as hooks
from mt_core.hooks import specs as hookspecs

ROOT = Path(hookspecs.__file__).parents[4]
PAGE = ROOT / "docs" / "authors" / "hooks.md"
TESTS = ROOT / "core" / "tests"


def signatures(code: str) -> dict[str, str]:
    """`name(arguments) -> answer` of each hook that a module specifies, by name."""
    specified = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    return {
        node.name: f"{node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
        for node in specified
        if node.name.startswith("mt_")
    }


def sections(page: str) -> dict[str, str]:
    """What a page says beneath each heading that is the name of a hook."""
    parts = re.split(r"^#+ (.+)$", page, flags=re.MULTILINE)
    return {title: text for title, text in zip(parts[1::2], parts[2::2], strict=True) if title.startswith("mt_")}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def faults(page: str, specified: dict[str, str]) -> list[str]:
    """Where a page and the specifications disagree."""
    said = sections(page)
    found = [f"{name} is no hook" for name in said if name not in specified]
    for name, signature in specified.items():
        if name not in said:
            found.append(f"{name} is not on the page")
            continue
        if blocks(said[name], "text") != [f"{signature}\n"]:
            found.append(f"the signature of {name} is not {signature}")
        if not any(name in implemented(block) for block in blocks(said[name], "python")):
            found.append(f"{name} has no example")
        if not re.search(rf"^\|.*`{name}`", page, flags=re.MULTILINE):
            found.append(f"{name} is not in the table")
    return found


def implemented(code: str) -> set[str]:
    """The hooks that some code implements: functions marked by `hookimpl`. Nothing of what is no code."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, UnicodeEncodeError):
        return set()
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and any("hookimpl" in ast.unparse(mark) for mark in node.decorator_list)
    }


def used(code: str) -> set[str]:
    """The hooks that a test module implements, in itself or in the source of the plugins that it makes."""
    texts = [node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)]
    return implemented(code).union(*(implemented(text) for text in texts if isinstance(text, str)))


def modules_of_tests() -> Iterator[str]:
    return (path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py") if "guards" not in path.parts)


SPECIFIED = signatures(Path(hookspecs.__file__).read_text(encoding="utf-8"))


def test_the_page_says_of_every_hook_what_the_code_says():
    assert faults(PAGE.read_text(encoding="utf-8"), SPECIFIED) == []


@pytest.mark.parametrize("hook", hooks.HOOKS)
def test_a_hook_says_what_it_is_and_when_it_is_called(hook):
    summary, _, rest = (getattr(hookspecs, hook).__doc__ or "").partition("\n\n")
    assert summary.endswith(".") and "Called " in rest


def test_every_hook_is_implemented_by_a_test():
    assert set(SPECIFIED) - set().union(*map(used, modules_of_tests())) == set()


EXAMPLE = "@hookimpl\ndef mt_swell(step): ..."
SECTION = f"| `mt_swell` |\n### mt_swell\n```text\nmt_swell(step: int) -> None\n```\n```python\n{EXAMPLE}\n```\n"


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        (SECTION, None),
        ("", "mt_swell is not on the page"),
        (SECTION.replace("step: int", "step: float"), "the signature of mt_swell is not mt_swell(step: int) -> None"),
        (SECTION.replace("def mt_swell", "def swell"), "mt_swell has no example"),
        (SECTION.replace("@hookimpl", ""), "mt_swell has no example"),
        (SECTION.replace("| `", "`"), "mt_swell is not in the table"),
        (SECTION + "### mt_tide\n", "mt_tide is no hook"),
    ],
)
def test_a_page_that_differs_from_the_code_is_caught(page, fault):
    specified = signatures("@hookspec\ndef mt_swell(step: int) -> None: ...\ndef other(): ...")
    assert faults(page, specified) == ([] if fault is None else [fault])


@pytest.mark.parametrize(
    "code",
    [
        "def test_mt_swell(): assert hooks.mt_swell",  # met by name
        "CODE = 'def mt_swell(step): ...'",  # not marked
        "text = '@hookimpl def mt_swell('",
    ],
)
def test_a_test_that_implements_no_hook_does_not_count(code):
    assert used(code) == set()


def test_a_test_that_implements_a_hook_counts():
    assert used(f"install({EXAMPLE!r})") == used(EXAMPLE) == {"mt_swell"}
