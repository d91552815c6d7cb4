"""Datasets of Hugging Face's library, whole or a column, where samples and targets are given."""

import io
import struct
import wave

import numpy as np
import pytest
from PIL import Image

import mt_core as mt
from mt_core.data.in_memory import in_memory
from mt_core.data.inputs import as_sources
from mt_core.errors import InputError

datasets = pytest.importorskip("datasets")


def png(level: int) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (16, 16), (level,) * 3).save(content, "PNG")
    return content.getvalue()


def wav(level: int) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as out:
        out.setparams((1, 2, 16000, 0, "NONE", "not compressed"))
        out.writeframes(b"".join(struct.pack("<h", level * (-1) ** at) for at in range(4000)))
    return content.getvalue()


@pytest.fixture(scope="module")
def pictures():
    """Three pictures and their classes, whose names are not in the order of the alphabet."""
    features = datasets.Features({"photo": datasets.Image(), "kind": datasets.ClassLabel(names=["night", "day"])})
    photos = [{"bytes": png(level), "path": None} for level in (10, 240, 20)]
    return datasets.Dataset.from_dict({"photo": photos, "kind": [0, 1, 0]}, features=features)


def vectors(modality, given):
    return mt.embed(mt.load(modality, encoder="random/vit_tiny_patch16_224"), given)


def test_a_column_of_pictures_has_the_vectors_of_its_files(pictures, tmp_path):
    for at, level in enumerate((10, 240, 20)):
        (tmp_path / f"{at}.png").write_bytes(png(level))
    np.testing.assert_array_equal(
        vectors("image", pictures["photo"]), vectors("image", [str(tmp_path / f"{at}.png") for at in range(3)])
    )
    np.testing.assert_array_equal(
        vectors("image", pictures.select_columns(["photo"])), vectors("image", pictures["photo"])
    )


def test_pictures_and_sounds_stay_as_they_are_stored_and_are_read_by_the_plugin(pictures, tmp_path):
    assert as_sources(mt.load("image"), pictures["photo"]) == [png(10), png(240), png(20)]
    (tmp_path / "a.wav").write_bytes(wav(900))
    sounds = datasets.Dataset.from_dict({"sound": [str(tmp_path / "a.wav"), {"bytes": wav(900), "path": None}][:1]})
    sounds = sounds.cast_column("sound", datasets.Audio())
    assert as_sources(mt.load("audio"), sounds["sound"]) == [str(tmp_path / "a.wav")]
    np.testing.assert_array_equal(vectors("audio", sounds), vectors("audio", [wav(900)]))


def test_classes_have_their_names_and_a_missing_one_is_not_known(pictures):
    data = in_memory(pictures["photo"], pictures["kind"])
    assert data.task.classes == ("day", "night")
    assert [data.task.classes[target] for target in data.targets()] == ["night", "day", "night"]
    features = datasets.Features({"kind": datasets.ClassLabel(names=["night", "day"])})
    partly = datasets.Dataset.from_dict({"kind": [0, 1, -1, None]}, features=features)
    assert (
        in_memory(["a", "b", "c", "d"], partly["kind"]).targets()[2:]
        == in_memory(["a"] * 3, ["x", "y", None]).targets()[2:] * 2
    )


def test_rows_are_samples_where_the_modality_reads_rows(pictures):
    table = datasets.Dataset.from_dict({"age": [20, 30, 40], "town": ["Rome", "Bonn", "Rome"]})
    rows = [{"age": 20, "town": "Rome"}, {"age": 30, "town": "Bonn"}, {"age": 40, "town": "Rome"}]
    assert as_sources(mt.load("tabular"), table) == rows
    assert as_sources(mt.load("tabular"), table.to_iterable_dataset()) == rows
    assert as_sources(mt.load("text"), table.to_iterable_dataset().select_columns(["town"])) == ["Rome", "Bonn", "Rome"]
    with pytest.raises(InputError, match="columns photo, kind") as caught:
        as_sources(mt.load("image"), pictures)
    assert caught.value.fix == "give dataset['photo']"
    with pytest.raises(InputError, match="holds datasets: train, test") as caught:
        as_sources(mt.load("image"), datasets.DatasetDict({"train": pictures, "test": pictures}))
    assert caught.value.fix == "give one: ['train']"


def test_a_classifier_of_scikit_learn_learns_from_columns(pictures):
    from mt_core.sklearn import Classifier

    twelve = datasets.concatenate_datasets([pictures] * 4)
    model = Classifier("image", tune="knn").fit(twelve["photo"], twelve["kind"])
    assert model.predict(pictures["photo"]).tolist() == [0, 1, 0]
