"""The folders that public data sets of pictures ship in, and what is said where a folder is none of them."""

from __future__ import annotations

import gzip
import os
import struct
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mt_core.contract import Classification, Regression
from mt_core.errors import DatasetError, DataWarning, MissingSplitError, OptionError
from mt_plugin_image.dataset import ImageDataset
from mt_plugin_image.tokenizer import ImageTokenizer


def put(path: Path, colour: str = "red") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), colour).save(path)


def listed(dataset: ImageDataset, root: Path) -> list[tuple[str, str | None]]:
    """Path below the root and name of the class, one a sample."""
    return [
        (
            Path(example.sample).relative_to(root).as_posix(),
            None if example.target is None else dataset.task.classes[example.target],
        )
        for example in (dataset[index] for index in range(len(dataset)))
    ]


# folders


def test_folder_per_class(tmp_path: Path):
    for name in ("cat/2.jpg", "cat/1.PNG", "ant/deep/3.jpeg", "bee/4.png"):
        put(tmp_path / name)
    dataset = ImageDataset.open(tmp_path)
    assert dataset.task == Classification(classes=("ant", "bee", "cat"))
    assert listed(dataset, tmp_path) == [
        ("ant/deep/3.jpeg", "ant"),
        ("bee/4.png", "bee"),
        ("cat/1.PNG", "cat"),
        ("cat/2.jpg", "cat"),
    ]
    assert list(dataset.targets()) == [0, 1, 2, 2]
    assert listed(ImageDataset.open(tmp_path, "all"), tmp_path) == listed(dataset, tmp_path)


def test_files_and_folders_that_are_no_pictures_are_passed_over(tmp_path: Path):
    put(tmp_path / "cat/1.png")
    for name in ("cat/notes.txt", "cat/.DS_Store", "cat/._1.png", "README.md", "docs/a.txt", ".git/x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("no picture")
    put(tmp_path / "dog/2.png")
    with pytest.warns(DataWarning) as told:
        assert listed(ImageDataset.open(tmp_path), tmp_path) == [("cat/1.png", "cat"), ("dog/2.png", "dog")]
    assert {str(each.message).removeprefix(str(tmp_path)) for each in told} == {
        "/cat/._1.png: left out: what macOS keeps beside a file (._name)",
        "/docs: left out: a folder without a file of the formats read (it has .txt)",
    }


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Train", "valid", "Test"), ("training", "validation", "testing")]
)
def test_split_folders_are_known_by_their_usual_names(tmp_path: Path, names: tuple[str, ...]):
    for name in names:
        put(tmp_path / name / "cat/1.png")
    put(tmp_path / names[0] / "dog/2.png")
    for split, name in zip(("train", "val", "test"), names, strict=True):
        dataset = ImageDataset.open(tmp_path, split)
        assert listed(dataset, tmp_path)[0] == (f"{name}/cat/1.png", "cat")
        assert dataset.task.classes == ("cat", "dog")  # whatever this split holds
    assert len(ImageDataset.open(tmp_path, "all")) == 4


def test_missing_split_is_told_from_those_there_are(tmp_path: Path):
    put(tmp_path / "train/cat/1.png")
    put(tmp_path / "test/cat/1.png")
    with pytest.raises(MissingSplitError, match="no 'val' split; it has train, test"):
        ImageDataset.open(tmp_path, "val")


def test_layout_without_splits_has_no_test_split(tmp_path: Path):
    put(tmp_path / "cat/1.png")
    with pytest.raises(MissingSplitError, match="no splits of its own"):
        ImageDataset.open(tmp_path, "test")


def test_numbers_are_sorted_as_numbers(tmp_path: Path):
    for name in ("10", "9", "0"):
        put(tmp_path / name / "1.png")
    assert ImageDataset.open(tmp_path).task.classes == ("0", "9", "10")


def test_classes_of_an_earlier_task_keep_their_indices(tmp_path: Path):
    put(tmp_path / "cat/1.png")
    task = Classification(classes=("dog", "cat", "ant"))
    dataset = ImageDataset.open(tmp_path, task=task)
    assert dataset.task == task and list(dataset.targets()) == [1]


def test_class_that_the_task_lacks_is_refused(tmp_path: Path):
    put(tmp_path / "cat/1.png")
    with pytest.raises(OptionError, match="cat"):
        ImageDataset.open(tmp_path, task=Classification(classes=("dog",)))
    with pytest.raises(OptionError, match="regression"):
        ImageDataset.open(tmp_path, task=Regression(names=("age",)))


@pytest.mark.parametrize("name", ["photo.png", "notes/a.txt", ""])
def test_no_known_layout_says_what_was_looked_for(tmp_path: Path, name: str):
    if name.endswith("png"):
        put(tmp_path / name)
    elif name:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("a")
    with pytest.raises(DatasetError) as caught:
        ImageDataset.open(tmp_path)
    assert all(layout in caught.value.fix for layout in ImageDataset.layouts.values())


def test_missing_folder_and_other_files_are_refused(tmp_path: Path):
    put(tmp_path / "photo.png")
    with pytest.raises(DatasetError, match="does not exist"):
        ImageDataset.open(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="not a table"):
        ImageDataset.open(tmp_path / "photo.png")


def test_unknown_split_and_unknown_option_are_refused(tmp_path: Path):
    put(tmp_path / "cat/1.png")
    with pytest.raises(OptionError, match="dev"):
        ImageDataset.open(tmp_path, "dev")
    with pytest.raises(OptionError, match="colour"):
        ImageDataset.open(tmp_path, options=ImageDataset.Options(colour=True))


# tables


@pytest.mark.parametrize(
    "table",
    [
        "a.png,cat\nsub/b.png,dog\n",
        "path,label\na.png,cat\n\nsub/b.png,dog",
        "Class;id;File\ncat;7;a.png\ndog;8;sub/b.png\n",
        "\ufefffilename\tcategory\r\na.png\tcat\r\nsub/b.png\tdog\r\n",
        '"image","target"\n"a.png","cat"\n"sub/b.png","dog"\n',
    ],
)
def test_table_of_paths_and_labels(tmp_path: Path, table: str):
    put(tmp_path / "a.png")
    put(tmp_path / "sub/b.png")
    (tmp_path / "labels.csv").write_bytes(table.encode())
    for root in (tmp_path, tmp_path / "labels.csv"):
        assert listed(ImageDataset.open(root), tmp_path) == [("a.png", "cat"), ("sub/b.png", "dog")]


def test_split_column_divides_a_table(tmp_path: Path):
    for name in "abc":
        put(tmp_path / f"{name}.png")
    (tmp_path / "labels.csv").write_text("path,label,split\na.png,cat,train\nb.png,dog,Valid\nc.png,dog,train\n")
    assert listed(ImageDataset.open(tmp_path), tmp_path) == [("a.png", "cat"), ("c.png", "dog")]
    assert listed(ImageDataset.open(tmp_path, "val"), tmp_path) == [("b.png", "dog")]
    assert len(ImageDataset.open(tmp_path, "all")) == 3
    with pytest.raises(MissingSplitError, match="train, val"):
        ImageDataset.open(tmp_path, "test")


def test_one_table_a_split(tmp_path: Path):
    put(tmp_path / "images/a.png")
    put(tmp_path / "images/b.png")
    (tmp_path / "train.csv").write_text("path,label\nimages/a.png,cat\n")
    (tmp_path / "test.csv").write_text("path,label\nimages/b.png,dog\n")
    (tmp_path / "notes.csv").write_text("something,else,entirely\n")
    with pytest.warns(DataWarning, match="classes of test of which train has nothing: dog"):
        dataset = ImageDataset.open(tmp_path, "test")
    assert listed(dataset, tmp_path) == [("images/b.png", "dog")]
    assert dataset.task.classes == ("cat", "dog")


def test_row_without_a_label_has_no_target(tmp_path: Path):
    put(tmp_path / "a.png")
    put(tmp_path / "b.png")
    put(tmp_path / "c.png")
    (tmp_path / "labels.csv").write_text("path,label\na.png,\nb.png,cat\nc.png,dog\n")
    with pytest.warns(DataWarning, match="the labels of 1 of 3 rows, which have none"):
        assert list(ImageDataset.open(tmp_path).targets()) == [None, 0, 1]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (b"", "no rows"),
        (b"path,label\n", "no rows"),
        (b"path,label\na.png,cat\ngone.png,cat\n", r"1 files that do not exist, of 2: .*gone\.png"),
        (b"photo,label\na.png,cat\n", "one class only, 'cat', taken from the column 'label'"),
        (b"x,z\na,1\n", "x, z"),
        (b"a.png\n", "no labels"),
        (b"path,label\na.png,cat,extra\n", "line 2: 3 fields"),
        (b"path,label\na.png\n", "line 2: 1 fields"),
        (b"path,label\na.png,caf\x81\n", "not UTF-8"),
        (b"path,label,split\na.png,cat,sometimes\n", "line 2: 'sometimes' is not a split"),
        (b"path,species\na.png,cat\n", "one class only, 'cat', taken from the column 'species'"),
        (b'path,label\n"a.png' + b"x" * 200_000, "line 2: field"),
    ],
)
def test_bad_table_is_refused(tmp_path: Path, table: bytes, said: str):
    put(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_bytes(table)
    with pytest.raises(DatasetError, match=said) as caught:
        ImageDataset.open(tmp_path)
    assert "labels.csv" in str(caught.value) or str(tmp_path) in str(caught.value)
    assert caught.value.fix


# IDX

IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)


def idx(array: np.ndarray, magic: int | None = None) -> bytes:
    """As MNIST's files are written: big-endian magic number and extents, then the bytes."""
    header = struct.pack(f">{1 + array.ndim}I", magic or 0x0800 + array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.mark.parametrize("dot", ["-", "."])
@pytest.mark.parametrize("zipped", [False, True])
def test_mnist_files(tmp_path: Path, dot: str, zipped: bool):
    for part, labels in {"train": [7, 0, 10], "t10k": [7, 7, 0]}.items():
        for name, content in {
            f"{part}-images{dot}idx3-ubyte": idx(IMAGES),
            f"{part}-labels{dot}idx1-ubyte": idx(np.array(labels)),
        }.items():
            (tmp_path / (name + ".gz" * zipped)).write_bytes(gzip.compress(content) if zipped else content)
    dataset = ImageDataset.open(tmp_path)
    assert dataset.task.classes == ("0", "7", "10")
    assert list(dataset.targets()) == [1, 0, 2]
    assert np.array_equal(dataset[2].sample, IMAGES[2])
    assert list(ImageDataset.open(tmp_path, "test").targets()) == [1, 1, 0]
    assert len(ImageDataset.open(tmp_path, "all")) == 6
    with pytest.raises(MissingSplitError, match="train, test"):
        ImageDataset.open(tmp_path, "val")


def test_unzipped_file_beside_its_archive_is_read_once(tmp_path: Path):
    for name, array in {"train-images-idx3-ubyte": IMAGES, "train-labels-idx1-ubyte": np.arange(3)}.items():
        (tmp_path / name).write_bytes(idx(array))
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
    assert len(ImageDataset.open(tmp_path)) == 3


ZIPPED = gzip.compress(idx(np.random.default_rng(0).integers(0, 256, (3, 40, 50))))


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ({"": b""}, "truncated"),
        ({"": idx(IMAGES)[:-1]}, "only 59"),
        ({"": idx(IMAGES) + b"0"}, "more"),
        ({"": idx(IMAGES, magic=0x0D03)}, "0x00000d03"),
        ({"": struct.pack(">4I", 0x0803, 1 << 31, 1 << 31, 1 << 31)}, "shape"),
        ({"": struct.pack(">4I", 0x0803, 0, 28, 28)}, "shape"),
        ({"": idx(IMAGES[:2])}, "2 pictures and .* 3 labels"),
        ({".gz": ZIPPED[: len(ZIPPED) // 2]}, "EOFError"),
        ({".gz": ZIPPED[:12]}, "EOFError"),
        ({".gz": b"no archive at all"}, "BadGzipFile"),
        ({".gz": ZIPPED[:200] + bytes(200) + ZIPPED[400:]}, "cannot be read|should hold"),
        ({"": idx(IMAGES), "two": idx(IMAGES)}, "several data sets"),
    ],
)
def test_bad_idx_is_refused(tmp_path: Path, images: dict[str, bytes], said: str):
    for end, content in images.items():
        name = "fashion-train-images-idx3-ubyte" if end == "two" else f"train-images-idx3-ubyte{end}"
        (tmp_path / name).write_bytes(content)
        (tmp_path / name.replace("images", "labels").replace("idx3", "idx1").removesuffix(".gz")).write_bytes(
            idx(np.arange(3))
        )
    with pytest.raises(DatasetError, match=said) as caught:
        ImageDataset.open(tmp_path)
    assert "train-images-idx3-ubyte" in caught.value.problem and caught.value.fix


def test_idx_without_labels_is_refused(tmp_path: Path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(IMAGES))
    with pytest.raises(DatasetError, match="no labels beside it"):
        ImageDataset.open(tmp_path)


# demonstration


def contents(dataset: ImageDataset) -> list[bytes]:
    read = ImageTokenizer(8).read
    return [read(dataset[index].sample).tobytes() for index in range(len(dataset))]


@pytest.fixture(params=["digits", "shapes"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With scikit-learn, and as if it were not installed."""
    if request.param == "digits":
        pytest.importorskip("sklearn")
    else:
        monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    return str(request.param)


def test_demonstration_says_whether_it_is_real(kind: str):
    expected = {"digits": "scikit-learn digits (real)", "shapes": "shapes drawn for this run (synthetic)"}
    assert ImageDataset.demo(size=8).source == expected[kind]


def test_demonstration_is_the_same_for_the_same_seed(kind: str):
    first = ImageDataset.demo(size=12, seed=3)
    assert len(first) == 12
    assert (
        contents(ImageDataset.demo(size=12, seed=3)) == contents(first) != contents(ImageDataset.demo(size=12, seed=4))
    )


def test_splits_of_the_demonstration_share_no_sample(kind: str):
    splits = [ImageDataset.demo(split, size=100) for split in ("train", "val", "test")]
    assert len({dataset.task for dataset in splits}) == 1
    everything = [content for dataset in splits for content in contents(dataset)]
    assert len(set(everything)) == len(everything) == 300


def test_every_class_is_in_the_demonstration(kind: str):
    dataset = ImageDataset.demo(size=100)
    assert len(Counter(dataset.targets())) == len(dataset.task.classes)


# both


@pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of data")
def test_cifar_10_as_folders_of_jpegs():
    root = Path(os.environ["MT_DATA"]) / "image" / "CIFAR-10-images"
    for split, size in {"train": 5000, "test": 2000}.items():
        dataset = ImageDataset.open(root, split)
        assert len(dataset) == size and len(dataset.task.classes) == 10
        assert set(Counter(dataset.targets()).values()) == {size // 10}
    assert ImageTokenizer(8).read(dataset[0].sample).shape == (32, 32, 3)
