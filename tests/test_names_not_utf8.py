"""Names that are not UTF-8, of files and of folders that are classes: everything works, and the names come back."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import mt_core as mt
from mt_core.cli import main
from mt_core.plugins import get

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("modality", mt.list_modalities())
def test_files_of_every_modality_are_read_under_such_a_name(modality, tmp_path):
    written = tmp_path / "written"
    written.mkdir()
    dataset = get(modality).dataset
    examples = dataset.example_files(written)
    if not examples:
        demo = dataset.demo("train", size=2)
        examples = [Path(demo[0].sample)]
    folder = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(folder)
    sources = []
    for path in [path for path in examples if path.suffix not in (".heic", ".heif")][:3]:
        for beside in path.parent.glob(f"{path.stem}.*"):  # the header of a scene and its numbers
            shutil.copy(beside, folder + b"/caf\xe9" + os.fsencode(beside.name))
        sources.append(os.fsdecode(folder + b"/caf\xe9" + os.fsencode(path.name)))
    result = mt.embed_files(mt.load(modality), sources, tmp_path / "v.parquet", num_workers=1)
    assert not result.failed
    table = pd.read_parquet(result.path)
    assert [mt.path_of_text(text) for text in table["source"].unique()] == sources


def test_a_run_is_trained_on_such_names_and_predicts_them(tmp_path, capsys):
    random = np.random.default_rng(0)
    data = os.fsencode(tmp_path) + b"/data"
    for level, name in enumerate((b"caf\xe9", b"bar\xff")):
        os.makedirs(data + b"/" + name)
        for number in range(6):
            pixels = random.integers(0, 100, (32, 32, 3)) + 100 * level
            with open(data + b"/" + name + b"/\xe9%d.png" % number, "wb") as file:
                Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    folder, run = os.fsdecode(data), str(tmp_path / "run")
    assert main(["train", "image", "--data", folder, "--out", run, "--epochs", "1", "-q"]) == 0
    assert main(["evaluate", run, "--data", folder, "-q"]) == 0
    assert main(["info", run]) == 0
    assert main(["predict", run, folder]) == 0
    for suffix in (".csv", ".jsonl", ".parquet"):
        assert main(["predict", run, folder, "-o", str(tmp_path / f"p{suffix}")]) == 0
    table = pd.read_csv(tmp_path / "p.csv")
    assert all(os.path.exists(mt.path_of_text(text)) for text in table["source"])
    assert set(table["prediction"]) <= {"caf\\udce9", "bar\\udcff"}
