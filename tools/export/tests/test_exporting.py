"""A model to a file and its card, held against the model."""

import json

import numpy as np
import onnxruntime
import pytest
import torch

import mt_core as mt
from mt_core.data.in_memory import InMemoryDataset
from mt_core.encoder import load_encoder
from mt_core.errors import OptionError
from mt_export import ExportError, export, parity
from mt_export.answers import Output, difference


def test_onnx_runtime_predicts_what_the_run_predicts(picture_run, tmp_path):
    run, data = picture_run
    result = export(run, "onnx", tmp_path / "p.onnx", num_workers=0)
    assert result.parity.max_error < 1e-5 and result.parity.same_decisions == result.parity.samples
    card = json.loads((tmp_path / "p.json").read_text())
    assert card["inputs"] == [
        {"name": "pixels", "dtype": "uint8", "shape": ["batch", 3, 32, 32], "meaning": "see preprocessing"}
    ]
    assert [(each["name"], each["shape"]) for each in card["outputs"]] == [
        ("scores", ["batch", 2]),
        ("probabilities", ["batch", 2]),
        ("vector", ["batch", 192]),
    ]
    assert card["outputs"][1]["names"] == ["bright", "dark"]
    assert card["preprocessing"]["options"]["size"]["value"] == 32
    session = onnxruntime.InferenceSession(tmp_path / "p.onnx", providers=["CPUExecutionProvider"])
    model = mt.load_run(run)
    pictures = sorted(data.glob("*/*.png"))[::3]
    pixels = [model.tokenizer.prepare(model.tokenizer.read(picture))["pixels"].numpy() for picture in pictures]
    (probabilities,) = session.run(["probabilities"], {"pixels": np.stack(pixels)})
    for predicted, row in zip(mt.predict(model, pictures), probabilities, strict=True):
        assert predicted["probabilities"]["dark"] == pytest.approx(row[1], abs=1e-5)
    (vector,) = session.run(["vector"], {"pixels": pixels[0][None]})
    np.testing.assert_allclose(vector, mt.embed(model, pictures[:1]), atol=1e-5)


def test_a_program_of_torch_export_computes_the_same(tabular, tmp_path):
    result = export(tabular, "torch", tmp_path / "t.pt2", num_workers=0)
    assert result.card["file"]["kind"] == "torch" and result.parity.max_error < 1e-5
    assert [each["name"] for each in result.card["inputs"]] == ["numbers"], "the table has no categories"
    program = torch.export.load(tmp_path / "t.pt2").module()
    assert program(torch.zeros(3, 30))[0].shape == (3, 2)


@pytest.mark.slow
@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_neighbours_are_found_in_the_file(make_model, tmp_path, distance):
    model = make_model("tabular", tune="knn", head={"neighbours": 3, "distance": distance})
    result = export(model, "onnx", tmp_path / "n.onnx", num_workers=0)
    assert result.parity.max_error < 1e-5 and result.parity.same_decisions == result.parity.samples
    session = onnxruntime.InferenceSession(tmp_path / "n.onnx", providers=["CPUExecutionProvider"])
    many = np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32)
    (scores,) = session.run(["scores"], {"numbers": many})
    with torch.inference_mode():
        expected = model({"numbers": torch.from_numpy(many), "categories": torch.zeros(40, 0, dtype=torch.int64)})
    np.testing.assert_allclose(scores, expected.numpy(), atol=1e-5)


@pytest.mark.slow
def test_a_drawn_table_without_categories_is_exported(make_model, tmp_path):
    model = make_model("tabular", options={"view": "picture"})
    assert export(model, "torch", tmp_path / "t.pt2", num_workers=0).parity.max_error < 1e-4


@pytest.mark.slow
def test_the_card_says_what_int8_costs(tabular, tmp_path):
    result = export(tabular, "onnx", tmp_path / "t.onnx", int8=True, num_workers=0)
    assert result.int8.max_error > result.parity.max_error
    assert result.card["file"]["precision"] == "int8"
    before, after = (result.card["int8"]["metrics"][which]["loss"] for which in ("model", "file"))
    assert before == pytest.approx(after, rel=0.2) and before != after


def test_a_file_that_computes_something_else_is_refused_and_nothing_is_left(tabular, tmp_path, monkeypatch):
    monkeypatch.setattr(parity, "difference", lambda *_: 2e-4)
    with pytest.raises(ExportError, match=r"scores differs by 0\.0002, and 0\.0001 is allowed"):
        export(tabular, "torch", tmp_path / "new" / "t.pt2", num_workers=0)
    assert list((tmp_path / "new").iterdir()) == []


def test_what_is_there_is_not_replaced_unasked(tabular, tmp_path):
    (tmp_path / "t.json").write_text("mine")
    with pytest.raises(ExportError, match=r"t\.json is there already"):
        export(tabular, "torch", tmp_path / "t.pt2")
    assert (tmp_path / "t.json").read_text() == "mine"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"to": "tflite"}, "no export to 'tflite'"),
        ({"to": "torch", "int8": True}, "int8 is for ONNX Runtime"),
        ({"samples": 0}, "samples=0"),
        ({"file": "a.json"}, "the card gets this name"),
        ({}, "no run folder to write to"),
    ],
)
def test_what_does_not_go_together_is_refused(tabular, settings, said):
    with pytest.raises(OptionError, match=said):
        export(tabular, **settings)


def test_a_model_that_was_not_trained_is_refused(tmp_path):
    with pytest.raises(ExportError, match="has no head"):
        export(mt.load("text"), "onnx", tmp_path / "t.onnx")


@pytest.mark.parametrize(
    "task", [mt.Segmentation(classes=("a", "b"), of="pixels"), mt.Detection(classes=("a", "b"))], ids=str
)
def test_answers_of_the_size_of_a_picture_are_refused(task, encoder_file, tmp_path):
    labels = "boxes" if task.kind == "detection" else "pixels"
    model = mt.load("image", encoder=load_encoder(encoder_file), size=32, labels=labels)
    model.attach_head(task)
    with pytest.raises(ExportError, match="at its own size"):
        export(model, "onnx", tmp_path / "m.onnx")


@pytest.mark.slow
def test_vectors_that_identities_are_found_by_are_exported(make_model, tmp_path):
    pictures = [np.full((32, 32, 3), 20 * number, np.uint8) for number in range(12)]
    task = mt.Retrieval(identities=("a", "b", "c"))
    seen_by = [(number % 3, number % 2, 0) for number in range(12)]
    data = [InMemoryDataset(pictures[part], seen_by[part], task) for part in (slice(0, 6), slice(6, 12))]
    model = make_model("image", options={"size": 32}, data=data)
    result = export(model, "onnx", tmp_path / "i.onnx", num_workers=0)
    assert result.parity.max_error < 1e-5 and result.parity.same_decisions == 6
    assert [each["name"] for each in result.card["outputs"]] == ["scores", "vector"]
    pixels = [model.tokenizer.prepare(model.tokenizer.read(picture))["pixels"].numpy() for picture in pictures]
    (vector,) = onnxruntime.InferenceSession(tmp_path / "i.onnx").run(["vector"], {"pixels": np.stack(pixels)})
    np.testing.assert_allclose(np.linalg.norm(vector, axis=1), 1, rtol=1e-5)


def test_differences_count_in_the_scale_of_an_output_and_nan_only_beside_nan():
    output = Output("prediction", "", lambda *_: None, scale=torch.tensor([1.0, 100.0]))
    assert difference(output, torch.tensor([[1.0, 500.0]]), torch.tensor([[1.5, 400.0]])) == 1.0
    assert difference(output, torch.tensor([[1.0, torch.nan]]), torch.tensor([[1.0, torch.nan]])) == 0.0
    assert difference(output, torch.tensor([[1.0, torch.nan]]), torch.tensor([[1.0, 2.0]])) == float("inf")
