"""The built site: it needs no network, its search needs no server, and what is made from the code is whole."""

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import pytest

from mt_core.cli import COMMANDS
from mt_core.plugins.official import OFFICIAL, OFFICIAL_COMMANDS

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow

FETCHED = {"script", "link", "img", "iframe", "source", "video", "audio", "object", "embed", "use"}
"""Elements whose address a browser fetches by itself. Links that a reader may follow are `a`."""


class Addresses(HTMLParser):
    """The addresses that a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.style = tag == "style"
        for name, value in attrs:
            if tag in FETCHED and name in ("src", "href", "data", "srcset", "xlink:href"):
                self.fetched.append(value or "")
            if name == "style":
                self.fetched += styled(value or "")

    def handle_data(self, data: str) -> None:
        if self.style:
            self.fetched += styled(data)


def styled(css: str) -> list[str]:
    """What a style sheet fetches."""
    return re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')\s;]+)", css)


def outside(text: str, suffix: str) -> Iterator[str]:
    """What a file of the site makes a browser fetch from elsewhere."""
    page = Addresses()
    if suffix == ".html":
        page.feed(text)
    for address in styled(text) if suffix == ".css" else page.fetched:
        if re.match(r"(\w+:)?//", address):
            yield address


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_no_page_fetches_anything_from_elsewhere(site):
    files = [path for path in site.rglob("*") if path.suffix in (".html", ".css")]
    assert len([path for path in files if path.suffix == ".html"]) > 30
    found = {path.name: list(outside(path.read_text("utf-8"), path.suffix)) for path in files}
    assert {name: addresses for name, addresses in found.items() if addresses} == {}


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ('<script src="https://cdn.example/x.js"></script>', ".html"),
        ('<link rel="preconnect" href="https://fonts.example">', ".html"),
        ('<img src="//pictures.example/x.png">', ".html"),
        ('<p style="background: url(http://pictures.example/x.png)">', ".html"),
        ("<style>@import 'https://fonts.example/x.css';</style>", ".html"),
        ("@font-face { src: url('https://fonts.example/x.woff2') }", ".css"),
    ],
)
def test_something_from_elsewhere_is_caught(text, suffix):
    assert len(list(outside(text, suffix))) == 1


def test_a_link_to_elsewhere_and_a_picture_within_pass():
    assert list(outside('<a href="https://arxiv.org">x</a><img src="a.svg"><img src="data:image/png,">', ".html")) == []


def test_the_search_has_its_index_and_its_worker_without_a_server(site):
    assert (site / "search/search_index.js").read_text("utf-8").startswith("var __index = {")
    assert 'src="assets/iframe-worker.js"' in (site / "index.html").read_text("utf-8")


def test_every_modality_command_error_and_check_is_in_it(site):
    from mt_core.conformance import CHECKS

    assert {path.stem for path in (site / "modalities").glob("*.html")} == {*OFFICIAL, "index"}
    expected = {
        "cli": [f"mt {name}" for name in (*COMMANDS, *OFFICIAL_COMMANDS)],
        "checks": [check.title for check in CHECKS],
        "errors": [name for name in vars(import_module("mt_core.errors")) if name.endswith("Error")],
    }
    for page, titles in expected.items():
        headings = re.findall(r"<h[23] id=\S+>([^<]+)<", (site / f"reference/{page}.html").read_text("utf-8"))
        assert headings and set(titles) <= set(headings)


def test_every_public_name_has_its_docstring_in_the_reference(site):
    for module in ("contract", "sdk", "sdk.blocks", "heads", "plugins", "conformance"):
        page = (site / f"reference/python/{module.rpartition('.')[2]}.html").read_text("utf-8")
        names = import_module(f"mt_core.{module}").__all__
        ids = set(re.findall(r'id="mt_core\.([\w.]+)"', page))
        assert [name for name in names if not {f"{module}.{name}", f"{module}.{name}.{name}"} & ids] == []


def test_attributes_that_a_docstring_names_together_share_a_cell(site):
    page = (site / "reference/python/contract.html").read_text("utf-8")
    assert "<td><code>mask, coords, grid, views, side, parts</code></td>" in page
    assert not [
        path.name for path in site.rglob("*.html") if re.search(r">\w+,</span></code>", path.read_text("utf-8"))
    ]


def test_no_page_tells_where_it_was_built(site):
    assert [path.name for path in site.rglob("*.html") if str(ROOT) in path.read_text("utf-8")] == []
