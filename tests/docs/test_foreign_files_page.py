"""docs/foreign-files.md is what the marks of the tests say. `python docs/foreign_files.py` writes it anew."""

import re
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

from mt_core.errors import MtError
from mt_core.plugins.official import OFFICIAL

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pages(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    return import_module("foreign_files")


def write_test(root, modality: str, text: str) -> None:
    folder = root / "plugins" / modality / "tests"
    folder.mkdir(parents=True)
    (folder / "test_foreign_files.py").write_text(f"import pytest\n\n{text}\n\ndef test_it(): ...\n")


def test_the_page_is_what_the_marks_say(pages):
    assert pages.PAGE.read_text("utf-8") == pages.page(pages.foreign_files()), "python docs/foreign_files.py"


def test_every_result_begins_with_what_became_of_the_file(pages):
    assert [each for each in pages.foreign_files() if not each.outcome] == []


def test_every_modality_has_ten_cases_and_all_together_120(pages):
    counts = Counter(each.modality for each in pages.foreign_files())
    assert {name for name in OFFICIAL if counts[name] < 10} == set()
    assert counts.total() >= 120


def traps(readme: str) -> list[str]:
    """The lines of the section on how real files differ."""
    section = readme.partition("\n## Traps\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^(?:[-*]|\d+\.|\|) *(?!-{3}).*", section, re.MULTILINE)
    return rows[1:] if rows and rows[0].startswith("|") else rows  # without the head of a table


@pytest.mark.parametrize("modality", OFFICIAL)
def test_every_readme_tells_of_ten_traps(modality):
    assert len(traps((ROOT / "plugins" / modality / "README.md").read_text("utf-8"))) >= 10


def test_traps_are_the_lines_of_their_section():
    assert traps("# x\n\n- no\n\n## Traps\n\nText.\n\n- one\n- two\n\n## Next\n\n- no\n") == ["- one", "- two"]
    assert traps("\n## Traps\n| case | what |\n|---|---|\n| a | b |\n") == ["| a | b |"]


def test_marks_are_found_under_any_name_and_within_parameters(pages, tmp_path):
    write_test(tmp_path, "imu", '@pytest.mark.foreign_file("a", "b | c", "refused: no <rate>")')
    alias = "foreign = pytest.mark.foreign_file\n"
    write_test(
        tmp_path,
        "audio",
        f'{alias}@pytest.mark.parametrize("x", [pytest.param(1, marks=foreign("d", "e", result="read, told: f"))])',
    )
    found = pages.foreign_files(tmp_path)
    assert [(each.modality, each.case, each.outcome) for each in found] == [
        ("audio", "d", "read, told"),
        ("imu", "a", "refused"),
    ]
    page = pages.page(found)
    assert "| [audio](#audio) | 1 | 0 | 1 | 0 |" in page and "| all | 2 | 0 | 1 | 1 |" in page
    assert r"| a | b \| c | refused: no &lt;rate> |" in page


@pytest.mark.parametrize("words", ['"a", "b"', '"a", "b", f"read {1}"', '"a", "b", ""'])
def test_words_that_are_not_written_out_are_an_error(pages, tmp_path, words):
    write_test(tmp_path, "imu", f"@pytest.mark.foreign_file({words})")
    with pytest.raises(MtError, match=r"test_foreign_files.py, line 3"):
        pages.foreign_files(tmp_path)
