"""Official plugins broken by one line each: the table of breakages, and that the conformance suite names some."""

import ast
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mt_core.conformance import CHECKS
from mt_core.plugins.official import OFFICIAL

SCRIPTS = Path(__file__).parents[1] / "benchmarks"
PARSERS: dict[str, Callable[[str], object]] = {".py": ast.parse, ".toml": tomllib.loads}
BY_NAME = {check.name: check for check in CHECKS}


@pytest.fixture
def tables(script) -> dict[str, dict[str, Any]]:
    """Of `benchmarks/breakages.py`, by family."""
    return import_module("breakages").FAMILIES


@pytest.fixture
def script(monkeypatch) -> ModuleType:
    """`benchmarks/deliberate_breakage.py`."""
    monkeypatch.syspath_prepend(SCRIPTS)
    return import_module("deliberate_breakage")


def test_each_check_has_one_breakage_in_the_table_of_its_family(script, tables):
    families = {family: [check.name for check in CHECKS if check.family == family] for family in tables}
    assert {family: list(table) for family, table in tables.items()} == families
    assert sum(map(len, families.values())) == len(CHECKS) == len(script.BREAKAGES)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_breakage_changes_one_line_of_a_file_and_leaves_it_readable(name, script):
    breakage = script.BREAKAGES[name]
    path = script.OWN_HEAD if breakage.own_head else SCRIPTS.parent / "plugins" / breakage.modality / breakage.file
    text = path.read_text("utf-8")
    assert text.count(breakage.old) == 1
    gone, new = script.changed_lines(breakage)
    assert (len(gone), len(new)) in {(1, 1), (1, 0), (0, 1)}
    PARSERS[path.suffix](text.replace(breakage.old, breakage.new))


def test_every_official_plugin_is_broken_somewhere(script):
    assert {breakage.modality for breakage in script.BREAKAGES.values()} == set(OFFICIAL)


def test_five_checks_of_each_family_are_picked_or_all_of_a_smaller_one(script, tables):
    for seed in (0, 1):
        names = [check.name for check in script.picked(seed)]
        for table in tables.values():
            assert len(set(names) & set(table)) == min(5, len(table))
    assert script.picked(0) != script.picked(1)
    assert script.picked(1) == script.picked(1)


def test_a_check_without_a_breakage_is_told(script, monkeypatch):
    monkeypatch.delitem(script.BREAKAGES, "py_typed_is_shipped")
    monkeypatch.setattr("sys.argv", ["deliberate_breakage.py"])
    with pytest.raises(SystemExit, match="py_typed_is_shipped: write a line"):
        script.main()


def test_a_row_tells_the_line_that_is_gone_and_the_one_in_its_place(script):
    check = BY_NAME["training_takes_the_recipe"]
    seen = script.Seen(check, script.BREAKAGES[check.name], True, "in /tmp/x/temporary/y/a.csv: no | yes", ("other",))
    row = list(script.table([seen]))[-1]
    assert "`` - recipe = { batch_size = 64, lr = 2e-3," in row
    assert "`` + recipe = { batch_size = 64, learning_rate = 2e-3," in row
    assert row.endswith("| in …/a.csv: no \\| yes | other |")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "a_licence_is_declared_and_shipped",
        "a_sample_does_not_depend_on_the_rest_of_the_batch",
        "metrics_are_named_as_documented",
    ],
)
def test_the_suite_names_what_is_broken(name, script):
    seen = script.see(BY_NAME[name], quick=True)
    assert seen.is_named, seen.message


@pytest.mark.slow
def test_a_line_that_breaks_nothing_is_not_named(script, monkeypatch):
    line = "class ImageOptions(PictureOptions):"
    harmless = script.Breakage("image", "src/mt_plugin_image/tokenizer.py", line, f"{line}  # whole")
    monkeypatch.setitem(script.BREAKAGES, "py_typed_is_shipped", harmless)
    seen = script.see(BY_NAME["py_typed_is_shipped"], quick=True)
    assert (seen.is_named, seen.message) == (False, "nothing: passed")
