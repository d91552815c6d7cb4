"""The README of mt-pretrain says of each recipe what the code does."""

from html import escape
from pathlib import Path

import pytest

from mt_core.contract.option_types import describe_options
from mt_pretrain import AdaptRecipe, ContrastRecipe, PretrainRecipe

PAGE = Path(__file__).parents[2] / "tools" / "pretrain" / "README.md"


@pytest.mark.parametrize(
    ("recipe", "section"),
    [(PretrainRecipe, "On drawn pictures"), (ContrastRecipe, "On pairs"), (AdaptRecipe, "On files without labels")],
    ids=["drawn", "pairs", "adapt"],
)
def test_every_field_of_a_recipe_is_on_the_page_with_its_default_and_meaning(recipe, section):
    text = PAGE.read_text("utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    table = text.partition("| `-S` | default | meaning |\n")[2].partition("\n\n")[0]
    rows = [
        f"| `{row.name}` | `{row.default}` | {escape(row.meaning, quote=False)} |" for row in describe_options(recipe)
    ]
    assert table.splitlines()[1:] == rows
