"""Queries are embedded by the very model that made the vectors."""

import json

import numpy as np
import pytest

import mt_core as mt
from mt_core.errors import FingerprintError, InputError, OptionError
from mt_fusion import SearchError, build_index, search
from mt_fusion.searching.queries import QueryModel, choose, query_models


def best(found) -> list[tuple[str, int, float]]:
    return [(records[0]["source"], records[0]["row"], round(records[0]["score"], 5)) for records in found]


def test_a_file_finds_itself(photo_index, photos):
    assert best(search(photo_index, photos[3], k=2)) == [(photos[3], 0, 1.0)]
    assert best(search(photo_index.folder, photos, k=1)) == [(photo, 0, 1.0) for photo in photos]


def test_a_folder_is_a_query_for_each_of_its_files(photo_index, tmp_path):
    assert len(search(photo_index, str(tmp_path / "photos"), k=1)) == 5


def test_a_text_finds_itself_among_the_rows_of_a_table(text_index, tmp_path):
    found = best(search(text_index, ["the open sea", "a red car"], k=1))
    assert found == [(str(tmp_path / "texts.csv"), 4, 1.0), (str(tmp_path / "texts.csv"), 1, 1.0)]


def test_an_object_in_memory_is_a_query(photo_index, photos):
    from PIL import Image

    picture = np.asarray(Image.open(photos[1]))
    assert best(search(photo_index, [picture], k=1)) == [(photos[1], 0, 1.0)]


def test_options_and_seed_are_those_of_the_vectors(photos, small_encoder_file, tmp_path):
    model = mt.load("image", encoder=small_encoder_file, seed=5, size=48, patch=12)
    vectors = mt.embed_files(model, photos, tmp_path / "v.parquet", pool="cls", num_workers=0).path
    assert best(search(build_index(vectors, tmp_path / "i"), photos[2], k=1)) == [(photos[2], 0, 1.0)]


def test_a_calibration_is_that_of_the_vectors(small_encoder_file, tmp_path):
    rows = [{"age": age, "job": "cook" if age % 2 else "clerk"} for age in range(20, 60)]
    (tmp_path / "people.csv").write_text("age,job\n" + "".join(f"{row['age']},{row['job']}\n" for row in rows))
    model = mt.load("tabular", encoder=small_encoder_file)
    vectors = mt.embed_files(model, [str(tmp_path / "people.csv")], tmp_path / "v.parquet", num_workers=0).path
    index = build_index(vectors, tmp_path / "i")
    assert best(search(index, [rows[7]], k=1)) == [(str(tmp_path / "people.csv"), 7, 1.0)]


def test_the_run_that_made_the_vectors_embeds_queries_also_where_it_was_moved(photos, small_encoder_file, tmp_path):
    model = mt.load("image", encoder=small_encoder_file)
    mt.fit(model, photos * 2, [0, 0, 1, 1, 1] * 2, out=tmp_path / "run", tune="knn", num_workers=0)
    vectors = mt.embed_files(model, photos, tmp_path / "v.parquet", num_workers=0).path
    index = build_index(vectors, tmp_path / "i")
    assert best(search(index, photos[0], k=1)) == [(photos[0], 0, 1.0)]
    (tmp_path / "run").rename(tmp_path / "moved")
    with pytest.raises(SearchError, match=r"no longer in .*run\n  fix: say where it is: --run DIR"):
        search(index, photos[0], k=1)
    assert best(search(index, photos[0], k=1, run=tmp_path / "moved")) == [(photos[0], 0, 1.0)]


def test_another_model_is_refused_by_what_differs(photo_index, photos):
    with pytest.raises(
        FingerprintError, match=r"the model of image is not the one that made the vectors: another encoder"
    ):
        search(photo_index, photos[0], k=1, encoder="random/vit_tiny_patch16_224")


def test_vectors_that_do_not_say_what_made_them_are_tried_with_the_defaults(photo_index, photos):
    for model in photo_index.record["models"]:
        del model["made_by"]
    assert best(search(photo_index, photos[0], k=1)) == [(photos[0], 0, 1.0)]


@pytest.mark.parametrize(
    ("query", "error", "says"),
    [
        ("nowhere.png", InputError, "nowhere.png does not exist"),
        ("", InputError, "a query is empty"),
        ([], SearchError, "nothing to search for"),
    ],
)
def test_what_cannot_be_read_is_refused_as_its_modality_says(photo_index, query, error, says):
    with pytest.raises(error, match=says):
        search(photo_index, query, k=1)


@pytest.fixture
def runs(tmp_path):
    """Two inputs of a space, and another run beside them."""
    for name, modality, space in (("photo", "image", "ab"), ("caption", "text", "ab"), ("other", "text", "cd")):
        (tmp_path / "runs" / name).mkdir(parents=True)
        record = {"modality": modality, "task": {"kind": "alignment", "space": space, "width": 8}}
        (tmp_path / "runs" / name / "run.json").write_text(json.dumps(record))
    return tmp_path / "runs"


def record_of(run) -> dict:
    model = {"modality": "image", "pool": "head", "made_by": {"run": str(run)}, "space": "ab"}
    return {"space": {"space": "ab", "width": 8}, "models": [model]}


@pytest.mark.parametrize("named", [None, "photo", ""])
def test_the_runs_beside_one_of_a_space_read_queries_as_well(runs, named):
    record = record_of(runs / "photo" if named is None else "gone")
    models = query_models(record, run=None if named is None else str(runs / named))
    assert {(model.name, model.modality) for model in models} == {("photo", "image"), ("caption", "text")}
    assert choose(models, "a dog", "caption").run == str(runs / "caption")
    assert choose(models, "a dog", "text").run == str(runs / "caption")
    with pytest.raises(OptionError, match="--as sound: the index has no model of it\n  fix: choose one of "):
        choose(models, "a dog", "sound")


def test_a_query_that_several_models_read_has_to_be_chosen(small_encoder_file, tmp_path):
    def model(name):
        record = {"modality": name, "pool": "mean", "encoder": str(small_encoder_file)}
        made = QueryModel(name, name, record, "", {})
        made.loaded = mt.load(name, encoder=small_encoder_file)
        return made

    texts, molecules, pictures = model("text"), model("graph"), model("image")
    assert choose([texts, pictures], "a dog", None) is texts
    assert choose([pictures, texts], __file__.replace(".py", ".png"), None) is texts  # no such file: a text
    with pytest.raises(OptionError, match="CCO can be read as text, graph\n  fix: say which: --as text"):
        choose([texts, molecules], "CCO", None)
    (tmp_path / "a.png").write_bytes(b"no picture")
    assert choose([texts, pictures], str(tmp_path / "a.png"), None) is pictures
