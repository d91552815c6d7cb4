"""The tasks that are no plain classification, from a folder in a benchmark's layout to metric and prediction."""

import math

import numpy as np
import pytest
from PIL import Image

import mt_core as mt

QUICK = {"batch_size": 16, "num_workers": 0, "lr": 3e-3}


def stripes(angle: float, period: float, brightness: float, random) -> Image.Image:
    """A picture that its angle and period tell, however bright it is."""
    across, down = np.meshgrid(np.arange(32), np.arange(32))
    wave = np.sin(2 * np.pi * (across * math.cos(angle) + down * math.sin(angle)) / period + random.uniform(0, 0.5))
    return Image.fromarray((127 + brightness * 60 * wave + random.normal(0, 5, (32, 32))).clip(0, 255).astype(np.uint8))


@pytest.fixture
def regdb(tmp_path):
    """Twelve people in training and six others in the test, each seen four times by each of two cameras."""
    random = np.random.default_rng(0)
    (tmp_path / "idx").mkdir()
    for split, people in (("train", range(12)), ("test", range(12, 18))):
        for camera, brightness in (("Visible", 1.0), ("Thermal", 0.6)):
            lines = []
            for number, person in enumerate(people):
                for shot in range(4):
                    name = f"{camera}/{person}/{shot}.bmp"
                    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                    angle, period = person * math.pi / 18, 4 + 3 * (person % 3)
                    stripes(angle, period, brightness, random).save(tmp_path / name)
                    lines.append(f"{name} {number}")
            (tmp_path / "idx" / f"{split}_{camera.lower()}_1.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.mark.slow
def test_people_never_seen_are_found_by_the_other_camera(regdb, encoder):
    model = mt.load("infrared", encoder=encoder, size=32, patch=8, stem="conv", flip=False, augment=0.2)
    mt.fit(model, regdb, epochs=12, **QUICK)
    found = mt.evaluate(model, regdb, "test", num_workers=0)
    # six people: 1 in 6 by chance
    assert found["rank1"] > 0.5 and found["map"] > 0.4
    (said,) = mt.predict(model, [regdb / "Thermal/0/0.bmp"])
    assert said["prediction"] in model.head.identities and len(said["vector"]) == 256


@pytest.mark.slow
def test_several_findings_on_one_film_are_told_apart(tmp_path, encoder):
    random = np.random.default_rng(0)
    (tmp_path / "images_001/images").mkdir(parents=True)
    rows = ["Image Index,Finding Labels"]
    for number in range(96):
        is_mass, is_nodule = number % 2, number // 2 % 2
        pixels = random.normal(90, 8, (32, 32))
        pixels[4:12, 4:12] += 90 * is_mass
        pixels[20:28, 20:28] += 90 * is_nodule
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(tmp_path / f"images_001/images/{number:03d}.png")
        findings = [name for name, there in (("Mass", is_mass), ("Nodule", is_nodule)) if there]
        rows.append(f"{number:03d}.png,{'|'.join(findings) or 'No Finding'}")
    (tmp_path / "Data_Entry_2017.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "train_val_list.txt").write_text("".join(f"{number:03d}.png\n" for number in range(72)))
    (tmp_path / "test_list.txt").write_text("".join(f"{number:03d}.png\n" for number in range(72, 96)))
    model = mt.load("xray", encoder=encoder, size=32, patch=8, stem="conv")
    mt.fit(model, tmp_path, epochs=6, **QUICK)
    assert mt.evaluate(model, tmp_path, "test", num_workers=0)["auroc"] > 0.9
    (said,) = mt.predict(model, [tmp_path / "images_001/images/003.png"])  # both
    assert set(said["prediction"]) <= set(model.head.labels) and said["probabilities"]["Mass"] > 0.5


@pytest.mark.slow
def test_the_points_of_a_cloud_are_told_apart(tmp_path, encoder):
    random = np.random.default_rng(0)
    for split, clouds in (("train", 24), ("test", 6)):
        (tmp_path / split).mkdir()
        for number in range(clouds):
            ground = np.c_[random.uniform(-1, 1, (150, 2)), random.normal(0, 0.02, 150)]
            pole = np.c_[random.normal(0, 0.05, (50, 2)) + random.uniform(-0.5, 0.5, 2), random.uniform(0, 1.5, 50)]
            rows = np.c_[np.concatenate([ground, pole]), np.repeat([0, 1], [150, 50])]
            np.savetxt(tmp_path / split / f"{number}.csv", rows, delimiter=",", header="x,y,z,label", comments="")
    options = {"labels": "points", "classes": ["ground", "pole"]}
    model = mt.load("pointcloud", encoder=encoder, groups=32, neighbours=16)
    mt.fit(model, tmp_path, epochs=8, data_options=options, **{**QUICK, "batch_size": 4})
    measured = mt.evaluate(model, tmp_path, "test", num_workers=0)
    assert measured["miou"] > 0.7 and measured["samples"] == 6
    (said,) = mt.predict(model, [tmp_path / "test/0.csv"])
    assert len(said["prediction"]) == 200 and set(said["prediction"]) == {"ground", "pole"}
