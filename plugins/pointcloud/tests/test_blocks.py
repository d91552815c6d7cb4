"""Scenes in blocks: every point is in one, in its block's frame, and is labelled once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import laspy
import numpy as np
import pytest
import torch

import mt_core as mt
from mt_core.contract import Example, Features, Segmentation
from mt_core.errors import DataWarning, InputError
from mt_core.heads import SceneSegmentationHead
from mt_core.sdk import mask_from
from mt_plugin_pointcloud.blocks import covering_blocks, random_block, side_for
from mt_plugin_pointcloud.layouts.semantickitti import CLASSES as SWEEP_CLASSES
from mt_plugin_pointcloud.reading import read_cloud
from mt_plugin_pointcloud.tokenizer import PointCloudOptions, PointCloudTokenizer
from mt_plugin_pointcloud.views import survey_numbers, write

SMALL = {"labels": "scenes", "block": 4.0, "groups": 8, "neighbours": 4, "max_points": 64, "blocks": 3}


def plane(num_points: int = 500, extent: float = 20, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 1, (num_points, 3)) * (extent, extent, 3)


def tokenizer_of(**options) -> PointCloudTokenizer:
    torch.manual_seed(0)
    return PointCloudTokenizer(8, PointCloudOptions(**{**SMALL, **options}))


@pytest.mark.parametrize("overlap", [0, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("extent", [(20, 20), (20, 3), (0.1, 0.1), (7.9, 8.1), (4.001, 4.3)])
def test_blocks_have_exactly_the_points_within_their_squares(overlap, extent):
    ground = np.random.default_rng(0).uniform(0, 1, (300, 2)).astype(np.float32) * np.float32(extent)
    blocks = covering_blocks(ground, 4.0, overlap)
    assert set(blocks.points.tolist()) == set(range(300))  # every point is in a block
    for index, middle in zip(blocks.each(), blocks.middles, strict=True):
        inside = np.abs(ground - middle) <= 2 + 1e-4
        certain = np.abs(ground - middle) < 2 - 1e-4
        assert set(np.flatnonzero(certain.all(1))) <= set(index) <= set(np.flatnonzero(inside.all(1)))
        assert list(index) == sorted(set(index))


def test_neighbouring_blocks_overlap_by_half_of_a_side():
    ground = np.stack(np.meshgrid(np.arange(0, 16.01, 0.5), [0.0]), -1).reshape(-1, 2).astype(np.float32)
    middles = covering_blocks(ground, 4.0, 0.5).middles
    np.testing.assert_allclose(middles[:, 0], np.arange(2, 15, 2), atol=1e-6)


def test_blocks_without_points_are_left_out():
    ground = np.array([[0, 0], [100, 100], [100.5, 100]], np.float32)
    blocks = covering_blocks(ground, 4.0, 0)
    assert blocks.counts.tolist() == [1, 2]


def test_a_random_block_is_about_one_of_the_points():
    ground = plane()[:, :2].astype(np.float32)
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        index, middle = random_block(ground, 4.0, generator)
        assert len(index) and (np.abs(ground[index] - middle) <= 2 + 1e-4).all()


def test_the_side_of_blocks_follows_from_how_dense_points_lie():
    ground = plane(40_000, 100)[:, :2].astype(np.float32)  # 4 points a square unit
    assert side_for(ground, 400) == pytest.approx(10, rel=0.1)
    assert side_for(ground * 2, 400) == pytest.approx(20, rel=0.1)


def test_every_point_is_a_place_in_the_metric_frame_of_its_blocks():
    cloud = tokenizer_of().read(plane())
    item = tokenizer_of().prepare(cloud)
    index, counts = item["index"].long(), item["counts"]
    assert set(index.tolist()) == set(range(500)) and item["size"].tolist() == [500]
    assert int(counts.sum()) == len(index) == len(item["places"]) == len(item["weights"])
    assert float(item["weights"].min()) > 0 and float(item["places"][:, :2].abs().max()) <= 1 + 1e-4
    for points, places in zip(index.split(counts.tolist()), item["places"].split(counts.tolist()), strict=True):
        moved = places * 2 - torch.from_numpy(cloud.points)[points]  # half a side is 2 metres
        assert moved.std(0).max() < 1e-4 if len(points) > 1 else True


@pytest.mark.parametrize("upright", ["z", "y"])
def test_points_and_tokens_know_how_high_they_lie_in_the_files_unit(upright):
    points = plane(600, 4)[:, ["xyz".index(axis) for axis in {"z": "xyz", "y": "xzy"}[upright]]]
    item = tokenizer_of(block=40.0, upright=upright).prepare(tokenizer_of().read(points))
    height = points[:, "xyz".index(upright)]
    above = height - np.sort(height)[int(0.02 * 599)]  # 2 % of the points lie below the floor
    expected = np.sign(above) * np.log1p(np.abs(above))
    np.testing.assert_allclose(item["place_values"][:, 0], expected[item["index"]], atol=2e-3)
    assert set(item["heights"][item["is_group"]].numpy().round(4)[:, 0]) <= set(
        item["place_values"][:, 0].numpy().round(4)
    )


def test_training_draws_blocks_with_the_classes_of_their_points():
    cloud = tokenizer_of().read(plane())
    labels = (cloud.points[:, 2] > 0).astype(np.int64)
    how = torch.Generator().manual_seed(1)
    item, target = tokenizer_of().prepare_example(cloud, labels, how)
    assert "index" not in item and item["counts"].shape == (3,) and int(item["counts"].sum()) == len(target)
    assert int(item["counts"].max()) <= 64
    for places, own in zip(
        item["places"].split(item["counts"].tolist()),
        np.split(target, item["counts"].cumsum(0)[:-1].numpy()),
        strict=True,
    ):  # within a block what is higher is of class 1, though sizes differ and points are moved a little
        if 0 < own.sum() < len(own):
            assert places[own == 0, 2].max() < places[own == 1, 2].min() + 0.1
    again, _ = tokenizer_of().prepare_example(cloud, labels, torch.Generator().manual_seed(1))
    assert all(torch.equal(item[name], again[name]) for name in item)


def test_an_unlabelled_scene_is_of_no_class_in_training():
    cloud = tokenizer_of().read(plane())
    assert tokenizer_of().prepare_example(cloud, None, torch.Generator().manual_seed(1))[1] is None


def test_labels_of_another_number_than_points_are_refused():
    cloud = tokenizer_of().read(plane())
    with pytest.raises(InputError, match="500 points and 3 labels"):
        tokenizer_of().prepare_example(cloud, [0, 1, 0], torch.Generator())


def test_the_side_of_blocks_is_found_from_the_training_scenes_and_kept():
    tokenizer = tokenizer_of(block=None)
    assert tokenizer.calibration() == {} and len(tokenizer.prepare(tokenizer.read(plane()))["counts"]) == 1
    tokenizer.calibrate([Example(plane(4000, 40))])
    assert tokenizer.calibration()["block"] == pytest.approx(57, rel=0.1)  # 8,192 at 2.5 points a square unit
    again = tokenizer_of(block=None)
    again.restore(tokenizer.calibration())
    assert again.prepare(again.read(plane()))["size"].tolist() == [500]


def test_a_block_is_looked_at_as_if_it_were_alone():
    tokenizer = tokenizer_of(overlap=0).eval()
    points = plane()
    corners = [(0, 0, 0), (3.999, 3.999, 0)]  # so that its square is the same in both
    one = np.concatenate([points[(points[:, :2] < 3.999).all(1)], corners])
    far = np.concatenate([one, one + np.array([300, 300, 0])])
    alone, both = (tokenizer(tokenizer.collate([tokenizer.prepare(tokenizer.read(each))])) for each in (one, far))
    assert both.views == 2 and alone.views == 1
    torch.testing.assert_close(both.values[0], both.values[1], atol=5e-3, rtol=0)  # float32 300 m away
    torch.testing.assert_close(both.values[0], alone.values[0], atol=5e-3, rtol=0)


def test_scenes_of_different_sizes_in_a_batch_are_told_apart():
    tokenizer = tokenizer_of().eval()
    head = SceneSegmentationHead(8, Segmentation(classes=("a", "b"), of="points")).eval()
    items = [tokenizer.prepare(tokenizer.read(plane(count, extent))) for count, extent in ((300, 12), (80, 6))]

    def scores(chosen):
        tokens = tokenizer(tokenizer.collate(chosen))
        return head(
            Features(tokens.values, mask=tokens.mask, coords=tokens.coords, views=tokens.views, side=tokens.side)
        )

    with torch.inference_mode():
        together, alone = scores(items), [scores([item])[0] for item in items]
    assert together.shape == (2, 300, 2) and together[1, 80:].isnan().all()
    torch.testing.assert_close(together[0], alone[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(together[1, :80], alone[1], atol=1e-5, rtol=0)


def test_probabilities_are_those_of_the_blocks_averaged_by_their_weights():
    tokenizer = tokenizer_of(overlap=0.6).eval()
    head = SceneSegmentationHead(8, Segmentation(classes=("a", "b", "c"), of="points")).eval()
    item = tokenizer.prepare(tokenizer.read(plane(200, 9)))
    tokens = tokenizer(tokenizer.collate([item]))
    features = Features(tokens.values, mask=tokens.mask, coords=tokens.coords, views=tokens.views, side=tokens.side)
    bare = {name: value for name, value in tokens.side.items() if name not in ("index", "weights", "size")}
    with torch.inference_mode():
        joined = head(features)[0].exp().numpy()
        of_blocks = head(Features(**{**vars(features), "side": bare}))[0].softmax(-1).numpy()
    expected, total = np.zeros((200, 3)), np.zeros(200)
    for point, weight, probabilities in zip(item["index"].tolist(), item["weights"].tolist(), of_blocks, strict=True):
        expected[point] += weight * probabilities
        total[point] += weight
    np.testing.assert_allclose(joined, expected / total[:, None], atol=1e-5)
    np.testing.assert_allclose(joined.sum(1), 1, atol=1e-5)


# the whole way


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, Path]:
    """Of two surveys, where what is high is a building."""
    data = tmp_path_factory.mktemp("surveys")
    for number in range(3):
        survey(data / f"{number}.las", plane(600, seed=number))
    folder = tmp_path_factory.mktemp("runs") / "run"
    model = mt.load("pointcloud", encoder="random/test_vit", purpose="train", **{**SMALL, "blocks": 4})
    mt.fit(model, data, batch_size=1, epochs=12, lr=5e-3, out=folder, keep="last", num_workers=0)
    return folder, data


def survey(path: Path, places: np.ndarray, version: str = "1.2", point_format: int = 3) -> None:
    las = laspy.LasData(laspy.LasHeader(point_format=point_format, version=version))
    places = places + np.array([500_000, 4_000_000, 100])
    las.header.offsets, las.header.scales = places.min(0), [0.001] * 3
    las.x, las.y, las.z = places.T
    las.classification = np.where(places[:, 2] > 101.5, 6, 2).astype(np.uint8)
    las.intensity = np.arange(len(places)) % 60_000
    las.gps_time = np.arange(len(places)) / 7
    las.write(path)


def test_a_survey_is_written_with_its_classes_in_file_order_and_all_else_as_it_was(trained, tmp_path):
    from mt_core.cli import main

    survey(tmp_path / "new.las", plane(700, seed=9))
    out = tmp_path / "seen"
    assert main(["predict", str(trained[0]), str(tmp_path / "new.las"), "-o", str(out)]) == 0
    record = json.loads((out / "predictions.jsonl").read_text())
    prediction = record["prediction"]
    assert prediction["size"] == [700] and sum(prediction["lengths"]) == 700
    indices = np.repeat(prediction["values"], prediction["lengths"])
    assert record["shares"]["ground"] == pytest.approx((indices == 0).mean(), abs=1e-5)
    before, after = laspy.read(tmp_path / "new.las"), laspy.read(out / "new_classified.las")
    assert np.asarray(after.classification).tolist() == np.array([2, 6])[indices].tolist()
    for name in before.point_format.dimension_names:
        if name != "classification":
            assert np.array_equal(before[name], after[name]), name
    cloud = read_cloud(out / "new_classes.ply")
    np.testing.assert_allclose(cloud.points + cloud.origin, before.xyz, atol=2e-3)
    assert cloud.labels.tolist() == indices.tolist()
    truth = np.asarray(before.classification) == 6
    assert ((indices == 1) == truth).mean() > 0.85  # half of them are high


@pytest.mark.filterwarnings("ignore:.*left out. 2 of 50 points are withheld:mt_core.errors.DataWarning")
def test_withheld_points_of_a_survey_get_no_class_and_stay_in_what_is_written(trained, tmp_path):
    survey(tmp_path / "new.las", plane(50, seed=9))
    before = laspy.read(tmp_path / "new.las")
    before.withheld = np.isin(np.arange(50), [7, 49])
    before.write(tmp_path / "new.las")
    model = mt.load_run(trained[0])
    records = mt.predict(model, [tmp_path / "new.las"])
    write(tmp_path / "new.las", records, model.head.task, tmp_path)
    after = laspy.read(tmp_path / "new_classified.las")
    assert np.array_equal(after.xyz, before.xyz) and np.array_equal(after.withheld, before.withheld)
    assert np.flatnonzero(after.classification == 0).tolist() == [7, 49]
    assert np.isin(after.classification, [0, 2, 6]).all()


def test_points_of_a_scene_that_are_not_finite_keep_their_place_and_number(trained):
    points = plane(50, 8)
    points[[7, 49]] = np.nan
    model = mt.load_run(trained[0])
    (record,) = mt.predict(model, [points])
    indices = mask_from(record["prediction"])
    assert np.flatnonzero(indices < 0).tolist() == [7, 49] and len(indices) == 50
    (known,) = mt.predict(model, [points[np.isfinite(points[:, 0])]])
    assert indices[indices >= 0].tolist() == mask_from(known["prediction"]).tolist()
    assert record["shares"] == known["shares"]


def test_labels_of_points_that_are_left_out_are_not_measured(trained):
    model = mt.load_run(trained[0])
    points = plane(300, 10)
    truth = (points[:, 2] > 1.5).astype(int)
    spoilt = np.insert(points, 100, np.nan, axis=0)
    cloud = model.tokenizer.read(spoilt)
    examples = [Example(cloud, truth)], [Example(points, truth)]
    first, second = (mt.evaluate(model, each, num_workers=0) for each in examples)
    assert first["accuracy"] == pytest.approx(second["accuracy"])


def test_a_run_measures_every_point_whose_class_is_known(trained):
    run, data = trained
    metrics = mt.evaluate(mt.load_run(run), data, split="test", num_workers=0)
    assert metrics["accuracy"] > 0.85 and {"miou", "iou_ground", "iou_building"} <= metrics.keys()
    assert mt.load_run(run).tokenizer.options.labels == "scenes"


def task(*classes: str, **more) -> Segmentation:
    return Segmentation(classes=classes, of="points", **more)


def test_classes_of_a_survey_get_the_numbers_of_the_specification():
    assert survey_numbers(task("ground", "building"), 3) == [2, 6]
    assert survey_numbers(task("rock", "road"), 6) == [64, 65]
    assert survey_numbers(task("rock", "road"), 3) is None
    assert survey_numbers(task("rock", "road", numbers=(9, 40)), 6) == [9, 40]
    sweeps = task(*SWEEP_CLASSES, numbers=tuple(SWEEP_CLASSES.values()))
    assert survey_numbers(sweeps, 6) == [*range(64, 76), 6, *range(77, 83)]  # 10 is a car there, a rail here


def test_classes_that_a_point_format_has_no_room_for_are_reported(tmp_path):
    survey(tmp_path / "a.las", plane(4))
    runs = {"size": [4], "values": [0, 1], "lengths": [2, 2]}
    with pytest.warns(DataWarning, match="has no room for classes"):
        (path,) = write(tmp_path / "a.las", [{"prediction": runs}], task("rock", "road"), tmp_path)
    assert path.name == "a_classes.ply"


def test_sweeps_get_the_numbers_of_their_benchmark(tmp_path):
    rows = np.random.default_rng(0).normal(size=(300, 4)).astype("<f4")
    rows[5] = np.nan
    rows[:, 3] = np.abs(rows[:, 3]) / 1000
    rows.tofile(tmp_path / "000001.bin")
    sweeps = task(*SWEEP_CLASSES, numbers=tuple(SWEEP_CLASSES.values()))
    runs = {"size": [300], "values": [8, -1, 8, 0], "lengths": [5, 1, 95, 199]}
    written = write(tmp_path / "000001.bin", [{"prediction": runs}], sweeps, tmp_path)
    numbers = np.fromfile(tmp_path / "000001.label", "<u4")
    assert written[-1].name == "000001.label"
    assert numbers.tolist() == [40] * 5 + [0] + [40] * 95 + [10] * 199


_MILLIONS = """
import resource, sys
import numpy as np, torch
torch.set_num_threads(1)
import mt_core as mt
from mt_core.contract import Segmentation
model = mt.load("pointcloud", purpose="train", labels="scenes", block=12.0, overlap=0.2, groups=64, max_points=512)
model.attach_head(Segmentation(classes=tuple("abcdefgh"), of="points"))
draw = np.random.default_rng(0)
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
list(mt.predict(model, [draw.uniform(0, 1, (5000, 3)) * (20, 20, 8)]))
before = peak()
points = (draw.uniform(0, 1, (1_500_000, 3)) * (400, 400, 8)).astype(np.float32)
(record,) = mt.predict(model, [points])
assert sum(record["prediction"]["lengths"]) == 1_500_000
print(peak() - before)
"""


@pytest.mark.slow
def test_a_million_points_are_labelled_in_bounded_memory():
    done = subprocess.run([sys.executable, "-c", _MILLIONS], capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1]) < 1500  # MiB
