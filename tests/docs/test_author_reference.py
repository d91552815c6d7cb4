"""docs/authors/reference.md is what the docstrings say. `python docs/author_reference.py` writes it anew."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def pages(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    return import_module("author_reference")


def test_the_page_is_what_the_docstrings_say(pages):
    assert pages.PAGE.read_text("utf-8") == pages.page(), "python docs/author_reference.py"


@pytest.mark.parametrize("module", ["contract", "sdk", "sdk.blocks", "heads"])
def test_every_public_name_is_on_the_page(pages, module):
    section = pages.page().partition(f"\n## mt_core.{module}\n")[2].partition("\n## ")[0]
    names = [name for name in import_module(f"mt_core.{module}").__all__ if name != "CONTRACT_VERSION"]
    assert [name for name in names if f"\n### {name}\n" not in section] == []


CLASS = '''
class Ping(Tokenizer):
    """Pings.

    Attributes:
        rate: In Hz.
    """

    rate: float
    gain: float = Field(default=1.0, description="A factor.")
    _own: int = 0

    def __init__(self, width: int) -> None:
        self.width = width

    @property
    def loud(self) -> bool:
        """Whether it is."""
        return True

    def _hidden(self) -> None: ...
'''


def test_a_class_is_told_with_its_fields_and_methods_and_nothing_private(pages):
    told = pages._text(ast.parse(CLASS).body[0], "")
    assert told.splitlines()[:2] == ["class Ping(Tokenizer)", "    Pings."]
    assert "    gain: float = 1.0\n        A factor." in told and "    rate: float\n" in told
    assert "    @property def loud(self) -> bool\n        Whether it is." in told
    assert "def __init__(self, width: int) -> None" in told
    assert "_own" not in told and "_hidden" not in told


def test_a_constant_is_told_with_the_text_below_it(pages):
    assert pages._text(ast.parse("MOST = 3").body[0], "Of a file.") == "MOST = 3\n    Of a file."
