"""Answers are those of mt predict and mt embed, whichever requests share a batch."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from starlette.testclient import TestClient

import mt_core as mt
from mt_serve.app import create_app

TEXT, ROW = "a fine day of week 3", {"age": 30, "town": "Rome"}


def ask(client, path, samples):
    answer = client.post(path, json={"samples": samples})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_photo_is_predicted_as_mt_predict_does(client, runs, photo, tmp_path):
    (tmp_path / "photo.png").write_bytes(photo)
    (expected,) = mt.predict(runs.choose("photos").model, [str(tmp_path / "photo.png")])
    answer = client.post("/predict?run=photos", files={"file": ("photo.png", photo)})
    assert answer.status_code == 200
    (found,) = answer.json()["predictions"]
    assert (found["source"], found["row"], found["prediction"]) == ("photo.png", 0, expected["prediction"])
    assert found["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-4)
    assert found["text"].startswith(expected["prediction"])


@pytest.mark.parametrize(("run", "sample"), [("words", TEXT), ("people", ROW)])
def test_samples_in_json_are_predicted_as_mt_predict_does(client, runs, run, sample):
    (expected,) = mt.predict(runs.choose(run).model, [sample])
    (found,) = ask(client, f"/predict?run={run}", [sample])["predictions"]
    assert found["source"] == "samples[0]"
    assert found["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-4)


@pytest.mark.parametrize("pool", [None, "cls", "mean+max"])
def test_vectors_are_those_of_mt_embed(client, runs, pool):
    expected = mt.embed(runs.choose("words").model, [TEXT, "another"], pool=pool)
    found = ask(client, "/embed?run=words" + (f"&pool={pool.replace('+', '%2B')}" if pool else ""), [TEXT, "another"])
    assert (found["width"], found["pool"]) == (expected.shape[1], pool or "mean")
    vectors = [row["vector"] for row in found["vectors"]]
    np.testing.assert_allclose(vectors, expected, atol=1e-4)


def test_a_table_has_a_prediction_a_row(client):
    table = b"age,town\n30,Rome\n40,Bonn\n,Rome\n"
    answer = client.post("/predict?run=people", files={"file": ("people.csv", table)}).json()
    assert [(each["source"], each["row"]) for each in answer["predictions"]] == [("people.csv", at) for at in range(3)]


def test_requests_for_several_runs_at_once_get_each_its_own_answer(client):
    wanted = [("words", f"text number {at}") for at in range(12)] + [("people", ROW | {"age": at}) for at in range(12)]
    alone = [ask(client, f"/embed?run={run}", [sample])["vectors"][0]["vector"] for run, sample in wanted]
    with ThreadPoolExecutor(12) as threads:
        together = list(threads.map(lambda each: ask(client, f"/embed?run={each[0]}", [each[1]]), wanted))
    for expected, found in zip(alone, together, strict=True):
        np.testing.assert_allclose(found["vectors"][0]["vector"], expected, atol=1e-4)


def test_a_request_of_more_samples_than_a_batch_keeps_their_order(client, runs):
    samples = [f"text number {at}" for at in range(70)]
    expected = mt.embed(runs.choose("words").model, samples)
    found = ask(client, "/embed?run=words", samples)["vectors"]
    np.testing.assert_allclose([row["vector"] for row in found], expected, atol=1e-4)


def test_the_models_say_what_they_predict_and_that_they_share_an_encoder(client):
    answer = client.get("/models").json()
    assert [run["name"] for run in answer["runs"]] == ["photos", "words", "people"]
    assert answer["encoders"] == 1
    photos = answer["runs"][0]
    assert photos["modality"] == "image" and ".png" in photos["suffixes"]
    assert photos["task"]["classes"] == ["high", "low"]


def test_a_healthy_server_says_so(client):
    assert client.get("/health").json() == {"status": "ok", "at_work": 0, "most": 64}


def test_openapi_describes_every_endpoint_with_both_kinds_of_body(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/predict", "/embed", "/models", "/health"} <= paths.keys()
    content = paths["/predict"]["post"]["requestBody"]["content"]
    assert set(content) == {"multipart/form-data", "application/json"}
    assert "422" in paths["/predict"]["post"]["responses"]


def test_a_model_is_put_into_its_precision_once_and_not_for_each_request(runs, monkeypatch):
    made = []
    monkeypatch.setattr("mt_serve.runs.with_precision", lambda model, precision: made.append(precision) or model)
    with TestClient(create_app(runs)) as client:
        for _ in range(2):
            assert client.post("/embed?run=people", json={"samples": [{"age": 30, "town": "Rome"}]}).status_code == 200
    assert made == ["32"]
