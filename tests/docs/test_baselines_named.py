"""A plugin's README names the native baseline that its manifest declares."""

from pathlib import Path

import pytest

from mt_core.plugins import get

ROOT = Path(__file__).parents[2]
PAGES = [page for page in sorted((ROOT / "plugins").glob("*/README.md")) if "## Baseline" in page.read_text("utf-8")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_the_baseline_is_called_as_tables_call_it(page: Path) -> None:
    baseline = get(page.parent.name).baseline
    assert baseline is not None
    section = " ".join(page.read_text("utf-8").split("## Baseline")[1].split())
    assert f"Here that is: {baseline.description}." in section


def test_most_plugins_have_such_a_section() -> None:
    assert len(PAGES) >= 10
