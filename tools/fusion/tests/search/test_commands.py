"""mt index and mt search on the command line, and the page of results."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from mt_fusion.searching import index_command, results_page, search_command


@pytest.fixture
def mt():
    """Runs `mt index …` or `mt search …`: exit code and output; an error of ours is raised."""

    def call(name: str, *arguments) -> tuple[int, str, str]:
        command = {"index": index_command, "search": search_command}[name].command
        ran = CliRunner().invoke(command, [str(each) for each in arguments], standalone_mode=False)
        if ran.exception is not None:
            raise ran.exception
        return ran.return_value, ran.stdout, ran.stderr

    return call


class Pictures(HTMLParser):
    """The pictures of a page: their descriptions, and their sizes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[int, int]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        if tag == "img":
            content = base64.b64decode(said["src"].partition("base64,")[2])
            self.found.append((said["alt"], Image.open(io.BytesIO(content)).size))


def test_vectors_become_an_index(mt, write_vectors, tmp_path):
    path = write_vectors("v.parquet", np.eye(3))
    code, out, err = mt("index", path, "-o", tmp_path / "i")
    assert (code, out, err) == (0, f"{tmp_path}/i: 3 vectors of 3 (image), cosine, exact\n", "")
    (tmp_path / "items.csv").write_text("source,size\nv-0.jpg,4\n")
    _, _, err = mt("index", path, "-o", tmp_path / "j", "--table", tmp_path / "items.csv", "--metric", "l2")
    assert "says something of 1 of 3 vectors\nits column size is called items_size in the index\n" in err


def test_results_are_a_table(mt, photo_index, photos):
    code, out, err = mt("search", photo_index.folder, photos[0], "-k", 2)
    lines = [line.split() for line in out.splitlines()]
    assert code == 0 and err == "" and lines[0][-3:] == ["(read", "as", "image)"]
    assert lines[1] == ["rank", "score", "modality", "source"]
    assert lines[2][:3] == ["1", "1.0000", "image"] and len(lines) == 4


def test_a_table_of_texts_shows_them(mt, text_index, tmp_path):
    (tmp_path / "texts.csv").write_text((tmp_path / "texts.csv").read_text().replace("the open sea", "sea" * 30))
    _, out, _ = mt("search", text_index.folder, "a red bus", "-k", 5)
    lines = out.splitlines()
    assert lines[1].split() == ["rank", "score", "modality", "source", "row", "text"]
    assert lines[2].endswith("texts.csv  0    a red bus") and f"{'sea' * 19}se…" in out


def test_results_are_json(mt, photo_index, photos):
    _, out, _ = mt("search", photo_index.folder, photos[0], photos[1], "--json")
    queries = [json.loads(line) for line in out.splitlines()]
    assert [(each["query"], each["row"], each["as"]) for each in queries] == [
        (photo, 0, "image") for photo in photos[:2]
    ]
    assert [len(each["results"]) for each in queries] == [5, 5]  # -k 10, where it is not given, is at most all of them
    assert queries[1]["results"][0] | {"score": 1} == {
        "rank": 1, "score": 1, "modality": "image", "source": photos[1], "row": 0,
    }  # fmt: skip


def test_no_results_are_said(mt, photo_index, photos):
    code, out, _ = mt("search", photo_index.folder, photos[0], "--where", "size < 0")
    assert code == 0 and out.splitlines()[1] == "  no row of the index fulfils the condition"


def test_a_file_of_vectors_that_changed_is_reported(mt, photo_index, photos, tmp_path):
    (tmp_path / "photos.parquet").unlink()
    _, _, err = mt("search", photo_index.folder, photos[0])
    assert err == (
        f"{tmp_path}/photos.parquet is no longer there since it was indexed: the results are of before "
        "(mt index makes it new)\n"
    )


def test_a_page_shows_pictures_of_query_and_results(mt, photo_index, photos, tmp_path):
    _, _, err = mt("search", photo_index.folder, photos[0], "-k", 2, "--html", tmp_path / "new" / "r.html")
    page = (tmp_path / "new" / "r.html").read_text()
    pictures = Pictures(page).found
    assert err == f"{tmp_path}/new/r.html: 1 query with results\n"
    assert [alt for alt, _ in pictures] == [f"query: {photos[0]}", f"result 1: {photos[0]}", f"result 2: {photos[1]}"]
    assert {size for _, size in pictures} == {(192, 192)}  # larger than the 32 that the encoder sees
    assert "prefers-color-scheme: dark" in page and "http" not in page


def test_a_page_shows_texts_as_text(mt, text_index, tmp_path):
    mt("search", text_index.folder, "trees & <b>", "-k", 5, "--html", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    shown = re.findall("<blockquote>(.*?)</blockquote>", page)
    assert shown[0] == "trees &amp; &lt;b&gt;" and sorted(shown[1:]) == sorted(
        ["a red bus", "a red car", "grass and trees", "trees in a forest", "the open sea"]
    )
    assert not Pictures(page).found


def test_a_page_says_which_files_are_gone(mt, photo_index, photos, tmp_path):
    (tmp_path / "photos" / "80.png").unlink()
    mt("search", photo_index.folder, photos[0], "-k", 5, "--html", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert page.count("no longer there") == 1 and len(Pictures(page).found) == 5


def test_a_page_keeps_to_its_size(mt, photo_index, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(results_page, "MOST_BYTES", 900)
    mt("search", photo_index.folder, photos[0], "-k", 5, "--html", tmp_path / "r.html")
    sizes = {size for _, size in Pictures((tmp_path / "r.html").read_text()).found}
    assert sizes == set() or max(sizes) < (192, 192)


def test_a_page_of_vectors_shows_their_results(mt, photo_index, tmp_path):
    mt("search", photo_index.folder, tmp_path / "photos.parquet", "-k", 1, "--html", tmp_path / "r.html")
    assert len(Pictures((tmp_path / "r.html").read_text()).found) == 5
