"""What the pages that are made from code and reports say."""

import json
from html import escape
from importlib import import_module
from pathlib import Path
from typing import get_args

import click
import pytest

from mt_core.cli import COMMANDS, group
from mt_core.errors import MtError
from mt_core.plugins.manifest import Capability, Deviation, Manifest, Unused
from mt_core.plugins.official import OFFICIAL_COMMANDS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def made(monkeypatch):
    """A module of docs/, by its name."""
    monkeypatch.syspath_prepend(str(DOCS))
    return import_module


REPORT = {
    "modality": "imu",
    "distribution": "mt-plugin-imu",
    "version": "0.1.0",
    "badge": "2/3 · 1 known deviation",
    "wheel": {"sha256": "ab12"},
    "results": [
        {"check": "padding_changes_nothing", "family": "tokens", "outcome": "passed", "message": ""},
        {"check": "order_changes_nothing", "family": "tokens", "outcome": "skipped", "message": "not | declared"},
        {"check": "reads_bytes", "family": "reading", "outcome": "deviation", "reason": "HDF5 needs a file"},
    ],
}


def write_report(docs: Path, report: object) -> None:
    (docs / "conformance").mkdir(exist_ok=True)
    (docs / "conformance/imu.json").write_text(json.dumps(report))


def test_a_modality_that_was_not_checked_says_so(made, tmp_path):
    pages = made("modality_pages")
    assert "Not checked yet: `mt check imu` tells." in pages.page("imu", "# x\n\nProse.", tmp_path)
    assert "| not checked yet |" in pages.overview(["imu"], tmp_path)


def test_a_report_is_on_the_page_and_its_deviations_beside_those_of_the_others(made, tmp_path):
    pages = made("modality_pages")
    write_report(tmp_path, REPORT)
    page, overview = pages.page("imu", "# x\n\nProse.", tmp_path), pages.overview(["image", "imu"], tmp_path)
    assert "2/3 · 1 known deviation" in page and "`ab12`" in page
    assert "| [reads_bytes](../reference/checks.md#reads_bytes) | HDF5 needs a file |" in page
    assert r"| tokens | skipped | not \| declared |" in page
    assert "| 2/3 · 1 known deviation |" in overview and "| not checked yet |" in overview
    assert "| [imu](imu.md) | [reads_bytes](../reference/checks.md#reads_bytes) | HDF5 needs a file |" in overview


def test_a_page_has_the_readmes_prose_and_every_option(made, tmp_path):
    from mt_core.plugins import get

    page = made("modality_pages").page("imu", "# mt-plugin-imu\n\nIts own prose.", tmp_path)
    assert "Its own prose." in page and "mt-plugin-imu\n" not in page
    fields = get("imu").tokenizer.Options.model_fields
    assert all(f"| `{name}` |" in page and field.description in page for name, field in fields.items())
    assert "`test_users`" in page and "`uea`" not in page and "| uea |" in page


@pytest.mark.parametrize("report", [{"modality": "image"}, [], "text"])
def test_a_report_of_something_else_is_refused(made, tmp_path, report):
    write_report(tmp_path, report)
    with pytest.raises(MtError, match="no report of imu"):
        made("modality_pages").page("imu", "# x", tmp_path)


def test_the_manifests_page_has_every_key_with_its_description(made):
    page = made("reference_pages").manifest()
    for model in (Manifest, Deviation, Unused):
        assert all(f"| `{name}` |" in page and field.description in page for name, field in model.model_fields.items())


def test_the_commands_page_has_every_option_with_its_help(made):
    page = made("reference_pages").cli()
    for name in (*COMMANDS, *OFFICIAL_COMMANDS):
        command = group.get_command(click.Context(group), name)
        options = [each for each in command.params if isinstance(each, click.Option)]
        assert f"## mt {name}" in page
        assert all(option.help and escape(option.help, quote=False) in page for option in options)


def test_the_contracts_page_says_what_each_capability_is():
    page = (DOCS / "authors/contract.md").read_text("utf-8")
    assert [name for name in get_args(Capability) if f"| `{name}` |" not in page] == []


@pytest.mark.parametrize(
    ("link", "source", "page", "turned"),
    [
        ("docs/evidence.md", "README.md", "index.md", "evidence.md"),
        ("plugins/imu/README.md", "README.md", "index.md", "modalities/imu.md"),
        ("../../core", "plugins/imu/README.md", "modalities/imu.md", "../core.md"),
        ("../docs/evidence.md#datasets", "benchmarks/README.md", "benchmarks.md", "evidence.md#datasets"),
        ("../../CONTRIBUTING.md", "docs/authors/release.md", "authors/release.md", "../contributing.md"),
        ("../CONTRIBUTING.md#versions-and-contract", "docs/x.md", "x.md", "authors/versions.md"),
        ("contract.md", "docs/authors/release.md", "authors/release.md", "contract.md"),
        ("https://arxiv.org/abs/1", "README.md", "index.md", "https://arxiv.org/abs/1"),
        ("#above", "README.md", "index.md", "#above"),
        ("nowhere/at/all.md", "README.md", "index.md", "nowhere/at/all.md"),
    ],
)
def test_a_link_on_disk_becomes_one_in_the_site(made, link, source, page, turned):
    assert made("hooks").relinked(f"[x]({link})", source, page) == f"[x]({turned})"


def test_code_is_not_taken_for_links(made):
    code = "```python\nd[x](docs/evidence.md)\n```"
    assert made("hooks").relinked(code, "README.md", "index.md") == code


def test_a_section_ends_where_the_next_begins(made):
    text = "# A\n\n## One\n\nfirst\n\n### Deeper\n\n## Two\n\nsecond\n"
    assert made("hooks").section(text, "One") == "# One\n\nfirst\n\n### Deeper\n\n"
    with pytest.raises(ValueError, match="no section 'Three'"):
        made("hooks").section(text, "Three")
