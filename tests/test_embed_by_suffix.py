"""A folder of several kinds of files to one file of vectors."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.io import wavfile

from mt_core.cli import main


@pytest.fixture
def mixed(tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(2):
        Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    wavfile.write(folder / "a.wav", 16_000, random.normal(0, 3000, 16_000).astype(np.int16))
    (folder / "note.txt").write_text("a note")
    pd.DataFrame({"x": random.normal(size=5), "y": list("ababa")}).to_csv(folder / "table.csv", index=False)
    (folder / "README.md").write_text("what this is")
    np.save(folder / "array.npy", random.normal(size=(50, 3)))
    return folder


def embed(mixed, out, *more) -> int:
    return main(["embed", str(mixed), "-o", str(out), "--num-workers", "0", "-q", *more])


def test_each_file_goes_to_its_modality_and_the_others_to_the_errors(mixed, tmp_path, capsys):
    out = tmp_path / "v.parquet"
    assert embed(mixed, out) == 1  # the README and the array
    shown = capsys.readouterr().err
    assert ".png was taken for image" in shown and "calibrated on 5 samples of" in shown
    table = pd.read_parquet(out)
    kinds = table["modality"].value_counts().to_dict()
    assert kinds == {"image": 2, "audio": 1, "text": 1, "tabular": 5}
    failed = [json.loads(line) for line in (tmp_path / "v.errors.jsonl").read_text().splitlines()]
    assert {failure["source"].rsplit("/")[-1] for failure in failed} == {"README.md", "array.npy"}
    assert not (tmp_path / "v.parquet.modalities").exists()


def test_the_vectors_are_those_of_each_modality_alone(mixed, tmp_path):
    embed(mixed, tmp_path / "v.parquet")
    main(["embed", "audio", str(mixed), "-o", str(tmp_path / "audio.parquet"), "--num-workers", "0", "-q"])
    table = pd.read_parquet(tmp_path / "v.parquet")
    (both,), (alone,) = (
        table[table["modality"] == "audio"]["vector"],
        pd.read_parquet(tmp_path / "audio.parquet")["vector"],
    )
    np.testing.assert_allclose(both, alone, atol=1e-5)


def test_the_same_command_embeds_what_is_new_or_has_changed(mixed, tmp_path, capsys):
    out = tmp_path / "v.parquet"
    embed(mixed, out)
    before = pd.read_parquet(out)
    Image.new("RGB", (40, 40), "red").save(mixed / "0.png")
    Image.new("RGB", (40, 40), "blue").save(mixed / "new.png")
    capsys.readouterr()
    assert embed(mixed, out, "--as", ".npy=pointcloud") == 1
    shown = capsys.readouterr().err
    assert "1 file(s) had changed" in shown and "4 file(s) were in" in shown
    after = pd.read_parquet(out)
    assert len(after) == len(before) + 2
    same = ["1.png", "a.wav", "note.txt"]
    for name in same:
        (old,), (new,) = (t[t["source"].str.endswith(name)]["vector"] for t in (before, after))
        assert np.array_equal(old, new)


def test_it_writes_other_formats_too(mixed, tmp_path):
    assert embed(mixed, tmp_path / "v.csv", "--by-suffix") == 1
    assert len(pd.read_csv(tmp_path / "v.csv")) == 9


def test_a_modality_beside_it_and_options_of_one_are_refused(mixed, tmp_path, capsys):
    assert main(["embed", "image", str(mixed), "-o", str(tmp_path / "v.parquet"), "--by-suffix"]) == 2
    assert embed(mixed, tmp_path / "v.parquet", "-O", "size=32") == 2
    assert embed(mixed, tmp_path / "v.parquet", "--as", "npy") == 2
