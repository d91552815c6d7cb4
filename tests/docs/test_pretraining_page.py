"""The README of mt-pretrain says of each recipe what the code does."""

from html import escape
from pathlib import Path

import pytest

from mt_pretrain import ContrastRecipe, PretrainRecipe

PAGE = Path(__file__).parents[2] / "tools" / "pretrain" / "README.md"


@pytest.mark.parametrize(
    ("recipe", "section"), [(PretrainRecipe, "On drawn pictures"), (ContrastRecipe, "On pairs")], ids=["drawn", "pairs"]
)
def test_every_field_of_a_recipe_is_on_the_page_with_its_default_and_meaning(recipe, section):
    text = PAGE.read_text("utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    table = text.partition("| `-S` | default | meaning |\n")[2].partition("\n\n")[0]
    fields = recipe.model_fields.items()
    rows = [f"| `{name}` | `{field.default}` | {escape(field.description, quote=False)} |" for name, field in fields]
    assert table.splitlines()[1:] == rows
