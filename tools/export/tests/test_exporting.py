"""A model to a file and its card, held against the model."""

import json

import numpy as np
import onnxruntime
import pytest
import torch

import mt_core as mt
from mt_core.contract import Boxes
from mt_core.data.in_memory import InMemoryDataset
from mt_core.encoder import load_encoder
from mt_core.errors import OptionError
from mt_export import ExportError, export, find_objects, parity
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
def test_a_drawn_graph_is_exported(make_model, tmp_path):
    model = make_model("graph", options={"view": "picture"})
    assert export(model, "onnx", tmp_path / "g.onnx", num_workers=0).parity.max_error < 1e-4


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


def test_answers_of_the_size_of_a_sample_are_refused_where_nothing_says_how_large_it_is(encoder_file, tmp_path):
    model = mt.load("pointcloud", encoder=load_encoder(encoder_file), labels="scenes")
    model.attach_head(mt.Segmentation(classes=("a", "b"), of="points"))
    model.head.sized_by = ()
    with pytest.raises(ExportError, match="at its own size"):
        export(model, "onnx", tmp_path / "m.onnx")


def _pictures(*sizes):
    draw = np.random.default_rng(0)
    return [draw.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


def _in_two_parts(pictures, targets, task):
    return [InMemoryDataset(pictures[part], targets[part], task) for part in (slice(0, 6), slice(6, 12))]


def _inputs(model, result, pictures):
    items = [model.tokenizer.prepare(model.tokenizer.read(picture)) for picture in pictures]
    names = [each["name"] for each in result.card["inputs"]]
    return {name: np.stack([item[name].numpy() for item in items]) for name in names}


SIZES = ((32, 32), (40, 50), (60, 33)) * 4


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_masks_of_pictures_of_any_size_are_computed_by_the_file(make_model, tmp_path):
    pictures = _pictures(*SIZES)
    masks = [(picture[..., 0] > 127).astype(np.int64) for picture in pictures]
    data = _in_two_parts(pictures, masks, mt.Segmentation(classes=("dark", "bright"), of="pixels"))
    model = make_model("image", options={"size": 32, "labels": "pixels", "across": 1}, data=data)
    result = export(model, "onnx", tmp_path / "m.onnx", num_workers=0)
    assert result.parity.max_error < 1e-4 and result.parity.same_decisions == 6
    assert [(each["name"], each["shape"]) for each in result.card["inputs"]] == [
        ("pixels", ["batch", "views", 3, 32, 32]),
        ("squares", ["batch", "views", 2]),
        ("boxes", ["batch", "views", 4]),
        ("resized", ["batch", 2]),
        ("size", ["batch", 2]),
    ]
    assert result.card["outputs"][0]["shape"] == ["batch", "scores_1", "scores_2", 2]
    assert "largest of the scores" in result.card["postprocessing"]["what"]
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    for others in (_pictures((70, 150)), _pictures((32, 90), (32, 90))):  # of sizes that were not there before
        (scores,) = session.run(["scores"], _inputs(model, result, others))
        for predicted, mask in zip(mt.predict(model, others), scores.argmax(-1), strict=True):
            runs = predicted["prediction"]
            np.testing.assert_array_equal(np.repeat(runs["values"], runs["lengths"]).reshape(runs["size"]), mask)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("to", "int8"), [("onnx", True), ("torch", False)])
def test_boxes_in_pictures_of_any_size_are_found_from_the_file(make_model, tmp_path, to, int8):
    pictures = _pictures(*SIZES)
    boxes = Boxes(np.array([[4.0, 4.0, 20.0, 20.0]], np.float32), np.array([1]))
    data = _in_two_parts(pictures, [boxes] * 12, mt.Detection(classes=("a", "b")))
    options = {"size": 32, "labels": "boxes", "across": 1}
    model = make_model("image", options=options, data=data, head={"least_score": 0.01})
    file = tmp_path / {"onnx": "m.onnx", "torch": "m.pt2"}[to]
    result = export(model, to, file, num_workers=0, int8=int8)
    assert result.parity.max_error < 1e-4 and result.parity.same_decisions == 6
    assert (result.int8 is None) == (not int8)
    names = ["cell_boxes", "cell_scores", "cell_levels"]
    assert [each["name"] for each in result.card["outputs"]] == ["scores", *names, "vector"]
    if int8:
        return
    program = torch.export.load(file).module()
    for others in (_pictures((70, 150)), _pictures((32, 90), (64, 180))):  # of one size once they are resized
        inputs = [torch.from_numpy(each) for each in _inputs(model, result, others).values()]
        candidates = program(*inputs)[1:4]
        for row, predicted in enumerate(mt.predict(model, others)):
            found = find_objects(
                *(each[row].numpy() for each in candidates), **result.card["postprocessing"]["options"]
            )
            expected = predicted["prediction"]
            assert expected and [("a", "b")[index] for index in found[2]] == [each["class"] for each in expected]
            np.testing.assert_allclose(found[0], [each["box"] for each in expected], atol=1e-2)
            np.testing.assert_allclose(found[1], [each["score"] for each in expected], atol=1e-5)


def _lattice(extent, step=0.25):
    """A cloud of points on a lattice, many of which are equally far from several tokens."""
    draw = np.random.default_rng(0)
    return np.unique((draw.uniform(0, 1, (400, 3)) * (*extent, 2) / step).round(), axis=0) * step


SCENES = {"labels": "scenes", "block": 4.0, "groups": 8, "neighbours": 4, "max_points": 64, "blocks": 3}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("to", ["onnx", "torch"])
def test_classes_of_the_points_of_scenes_are_computed_by_the_file(make_model, tmp_path, to):
    clouds = [_lattice(extent) for extent in ((8, 8), (3, 14), (2, 2)) * 4]
    labels = [(cloud[:, 2] > 1).astype(np.int64) for cloud in clouds]
    data = _in_two_parts(clouds, labels, mt.Segmentation(classes=("low", "high"), of="points"))
    model = make_model("pointcloud", options=SCENES, data=data)
    file = tmp_path / {"onnx": "m.onnx", "torch": "m.pt2"}[to]
    result = export(model, to, file, num_workers=0, int8=to == "onnx")
    assert result.parity.max_error < 1e-4 and result.parity.same_decisions == 6
    shapes = {each["name"]: each["shape"] for each in result.card["inputs"]}
    assert shapes["groups"] == [1, "blocks", "tokens", 4, 3] and shapes["places"] == [1, "places", 3]
    assert shapes["counts"] == [1, "blocks"] and shapes["size"] == [1, 1]
    assert "largest of the scores" in result.card["postprocessing"]["what"]
    if to == "onnx":
        assert result.int8.metrics["file"]["miou"] == pytest.approx(result.int8.metrics["model"]["miou"], abs=0.1)
        return
    program = torch.export.load(file).module()
    few = [[0.0, 0, 0], [1, 0, 0], [0, 1, 1], [np.nan, 0, 0]]  # one block of one token; the last point is left out
    for cloud in (np.array(few), _lattice((30, 12))):
        inputs = _inputs(model, result, [cloud])
        (scores,) = program(*(torch.from_numpy(each) for each in inputs.values()))[0].numpy()
        classes = np.where(np.isneginf(scores).all(-1), -1, scores.argmax(-1))
        runs = mt.predict(model, [cloud])[0]["prediction"]
        np.testing.assert_array_equal(classes, np.repeat(runs["values"], runs["lengths"]))


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
