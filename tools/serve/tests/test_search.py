"""The nearest rows of an index, what the encoder sees, and the counts."""

import io
import re

import pytest
from PIL import Image
from starlette.testclient import TestClient

from mt_core.errors import OptionError
from mt_serve.app import create_app
from mt_serve.runs import Runs


@pytest.fixture(scope="module")
def searching(runs, photo_index):
    with TestClient(create_app(runs, indexes=[f"things={photo_index}"]), raise_server_exceptions=False) as client:
        yield client


def test_a_photo_of_the_index_is_nearest_to_itself(searching, photos):
    files = [("file", (photos[at].name, photos[at].read_bytes())) for at in (2, 5)]
    answer = searching.post("/search?k=3&index=things", files=files)
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [result["source"] for result in results] == ["2.png", "5.png"]
    for at, result in zip((2, 5), results, strict=True):
        assert [row["rank"] for row in result["nearest"]] == [1, 2, 3]
        assert result["nearest"][0]["source"] == str(photos[at])
        assert result["nearest"][0]["score"] == pytest.approx(1, abs=1e-4)


def test_neighbours_can_be_seen(searching, photos):
    files = {"file": ("2.png", photos[2].read_bytes())}
    (result,) = searching.post("/search?k=1&show=true", files=files).json()["results"]
    assert result["nearest"][0]["picture"].startswith("data:image/")


def test_a_condition_holds_and_one_that_is_none_is_refused(searching, photos):
    files = {"file": ("2.png", photos[2].read_bytes())}
    where = 'source.endswith("7.png")'
    (result,) = searching.post("/search", params={"where": where}, files=files).json()["results"]
    assert [row["source"] for row in result["nearest"]] == [str(photos[7])]
    answer = searching.post("/search", params={"where": "price <"}, files=files)
    assert answer.status_code == 400 and "no condition" in answer.json()["error"]["problem"]


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [("run=words", 400, "cannot be compared"), ("index=thing", 404, "did you mean things"), ("k=0", 400, "k:")],
)
def test_a_search_that_cannot_be_done_says_why(searching, query, status, said):
    answer = searching.post(f"/search?{query}", json={"samples": ["a"]})
    assert answer.status_code == status and said in answer.json()["error"]["problem"]


def test_without_an_index_there_is_nothing_to_search(client):
    answer = client.post("/search?run=words", json={"samples": ["a"]})
    assert answer.status_code == 404 and "--index" in answer.json()["error"]["fix"]


def test_an_index_that_no_run_makes_vectors_for_is_refused_at_the_start(runs, photo_index):
    others = Runs([run for run in runs if run.name != "photos"])
    with pytest.raises(OptionError, match="made by none of these runs") as caught:
        create_app(others, indexes=[str(photo_index)])
    assert "photos" in caught.value.fix


def test_the_models_name_the_index_and_who_may_ask_it(searching):
    (index,) = searching.get("/models").json()["indexes"]
    assert (index["name"], index["runs"]) == ("things", ["photos"])
    assert "8 vectors" in index["description"]


def test_what_the_encoder_sees_is_a_picture(client, photo):
    answer = client.post("/show?run=photos", files={"file": ("a.png", photo)})
    assert answer.headers["content-type"] == "image/png" and "tokens" in answer.headers["x-seen"]
    assert Image.open(io.BytesIO(answer.content)).width > 100


def test_counts_are_given_in_prometheus_text(searching, photos):
    def count(name: str) -> float:
        found = re.search(rf"^{re.escape(name)} (\S+)$", searching.get("/metrics").text, re.MULTILINE)
        return float(found[1]) if found else 0

    asked = 'mt_serve_requests_total{path="/predict",status="200"}'
    read, batches = 'mt_serve_samples_total{run="photos"}', "mt_serve_batch_requests_count"
    before = [count(name) for name in (asked, read, batches)]
    searching.post("/predict?run=photos", files=[("file", (path.name, path.read_bytes())) for path in photos[:3]])
    assert [count(name) for name in (asked, read, batches)] == [before[0] + 1, before[1] + 3, before[2] + 1]
    searching.get("/nowhere")
    assert count('mt_serve_requests_total{path="other",status="404"}') >= 1
    assert count("process_resident_memory_bytes") > 1e6
