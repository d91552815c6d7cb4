"""The folders and lists that public data sets of videos ship as, and what is said where there are none."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from mt_core.contract import Classification
from mt_core.errors import DatasetError, DataWarning, MissingSplitError, OptionError
from mt_plugin_video.dataset import VideoDataset
from mt_plugin_video.tokenizer import VideoOptions, VideoTokenizer


def put(root: Path, *names: str) -> None:
    """Files that are listed and not read."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def listed(dataset: VideoDataset, root: Path) -> list[tuple[str, str | None]]:
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
    put(tmp_path, "run/2.mp4", "run/1.AVI", "jump/deep/3.mkv", "jump/4.webm", "run/notes.txt")
    dataset = VideoDataset.open(tmp_path)
    assert dataset.task == Classification(classes=("jump", "run"))
    assert listed(dataset, tmp_path) == [
        ("jump/4.webm", "jump"),
        ("jump/deep/3.mkv", "jump"),
        ("run/1.AVI", "run"),
        ("run/2.mp4", "run"),
    ]
    with pytest.raises(MissingSplitError, match="no splits of its own"):
        VideoDataset.open(tmp_path, "test")


def test_folder_per_split(tmp_path: Path):
    put(tmp_path, "train/run/1.mp4", "train/jump/2.mp4", "val/run/3.mp4")
    assert listed(VideoDataset.open(tmp_path, "val"), tmp_path) == [("val/run/3.mp4", "run")]
    assert VideoDataset.open(tmp_path, "val").task.classes == ("jump", "run")
    with pytest.raises(MissingSplitError, match="train, val"):
        VideoDataset.open(tmp_path, "test")


def test_folder_of_frames_is_one_sample(tmp_path: Path):
    put(tmp_path, *(f"train/run/v{video}/{frame:05d}.jpg" for video in (1, 2) for frame in range(12)))
    put(tmp_path, "train/jump/v3/1.jpg", "test/jump/v4/1.jpg")
    assert listed(VideoDataset.open(tmp_path), tmp_path) == [
        ("train/jump/v3", "jump"),
        ("train/run/v1", "run"),
        ("train/run/v2", "run"),
    ]
    assert len(VideoDataset.open(tmp_path, "test")) == 1


def test_pictures_right_in_the_classes_are_no_videos(tmp_path: Path):
    put(tmp_path, "cat/1.jpg", "cat/2.jpg", "dog/1.jpg")
    with pytest.raises(DatasetError, match="no known layout") as caught:
        VideoDataset.open(tmp_path)
    assert all(layout in caught.value.fix for layout in VideoDataset.layouts.values())


# UCF101


def ucf101(root: Path) -> None:
    """Two classes of a hundred and one, as they are published."""
    names = {"train": ["v_Punch_g08_c01", "v_Archery_g08_c01"], "test": ["v_Punch_g01_c01", "v_Archery_g01_c02"]}
    index = {"Archery": 3, "Punch": 71, "YoYo": 101}
    lists = root / "ucfTrainTestlist"
    write(lists / "classInd.txt", *(f"{number} {name}" for name, number in index.items()))
    of = {name: name.split("_")[1] for some in names.values() for name in some}
    write(lists / "trainlist01.txt", *(f"{of[name]}/{name}.avi {index[of[name]]}" for name in names["train"]))
    write(lists / "testlist01.txt", *(f"{of[name]}/{name}.avi" for name in names["test"]))
    write(lists / "trainlist02.txt", "Punch/v_Punch_g01_c01.avi 71", "YoYo/v_YoYo_g01_c01.avi 101")
    write(lists / "testlist02.txt", "Punch/v_Punch_g08_c01.avi")
    put(root, *(f"UCF-101/{of[name]}/{name}.avi" for name in of))


@pytest.mark.parametrize("inside", ["", "UCF-101", "ucfTrainTestlist"])
def test_ucf101_by_its_lists(tmp_path: Path, inside: str):
    ucf101(tmp_path)
    dataset = VideoDataset.open(tmp_path / inside)
    assert dataset.task.classes == ("Archery", "Punch")
    assert listed(dataset, tmp_path) == [
        ("UCF-101/Punch/v_Punch_g08_c01.avi", "Punch"),
        ("UCF-101/Archery/v_Archery_g08_c01.avi", "Archery"),
    ]
    test = VideoDataset.open(tmp_path / inside, "test")
    assert listed(test, tmp_path)[1] == ("UCF-101/Archery/v_Archery_g01_c02.avi", "Archery")
    assert len(VideoDataset.open(tmp_path / inside, "all")) == 4
    with pytest.raises(MissingSplitError, match="train, test"):
        VideoDataset.open(tmp_path / inside, "val")


def test_ucf101_lists_inside_the_folder_of_classes(tmp_path: Path):
    ucf101(tmp_path)
    (tmp_path / "ucfTrainTestlist").rename(tmp_path / "UCF-101" / "ucfTrainTestlist")
    assert len(VideoDataset.open(tmp_path / "UCF-101")) == 2


def test_absent_videos_are_counted_and_told(tmp_path: Path):
    ucf101(tmp_path)
    task = Classification(classes=("Archery", "Punch"))
    dataset = VideoDataset.open(tmp_path, task=task, options=VideoDataset.Options(fold=2))
    assert listed(dataset, tmp_path) == [("UCF-101/Punch/v_Punch_g01_c01.avi", "Punch")]
    assert dataset.source.endswith("(ucf101 lists, fold 2; 1 of 2 listed videos absent)")
    with pytest.raises(DatasetError, match="one class only, 'Punch'"):
        VideoDataset.open(tmp_path, options=VideoDataset.Options(fold=2))


def test_fold_that_there_is_not_is_refused(tmp_path: Path):
    ucf101(tmp_path)
    with pytest.raises(OptionError, match="no fold 3") as caught:
        VideoDataset.open(tmp_path, options=VideoDataset.Options(fold=3))
    assert "1, 2" in caught.value.fix


def test_lists_without_one_video_are_refused(tmp_path: Path):
    write(tmp_path / "ucfTrainTestlist/trainlist01.txt", "Punch/v_Punch_g01_c01.avi 71")
    with pytest.raises(DatasetError, match=r"1 videos, and none of them is there: .*v_Punch_g01_c01\.avi"):
        VideoDataset.open(tmp_path)


# Kinetics


HEADER = "label,youtube_id,time_start,time_end,split"


def test_kinetics_tables_find_their_clips_wherever_they_lie(tmp_path: Path):
    write(
        tmp_path / "annotations/train.csv",
        HEADER,
        "abseiling,0347ZoDXyP0,95,105,train",
        '"testifying, in court",-_x,1,11,train',
        "abseiling,gone,0,10,train",
    )
    write(tmp_path / "annotations/validate.csv", HEADER, "abseiling,abc_def,7,17,validate")
    write(tmp_path / "annotations/test.csv", HEADER, ",unknown,0,10,test")
    put(tmp_path, "train/abseiling/0347ZoDXyP0_000095_000105.mp4", "train/part_1/-_x_000001_000011.mp4")
    put(tmp_path, "val/abc_def.mp4", "test/unknown_000000_000010.mkv", "val/other.mp4")
    dataset = VideoDataset.open(tmp_path)
    assert listed(dataset, tmp_path) == [
        ("train/abseiling/0347ZoDXyP0_000095_000105.mp4", "abseiling"),
        ("train/part_1/-_x_000001_000011.mp4", "testifying, in court"),
    ]
    assert "1 of 3 listed videos absent" in dataset.source
    assert listed(VideoDataset.open(tmp_path, "val"), tmp_path) == [("val/abc_def.mp4", "abseiling")]
    assert listed(VideoDataset.open(tmp_path, "test"), tmp_path) == [("test/unknown_000000_000010.mkv", None)]


def test_kinetics_row_in_two_tables_is_one_video(tmp_path: Path):
    for name in ("kinetics400.csv", "train.csv"):
        write(tmp_path / name, HEADER, "abseiling,a,0,10,train", "archery,b,0,10,train")
    put(tmp_path, "a_000000_000010.mp4", "b_000000_000010.mp4")
    assert len(VideoDataset.open(tmp_path)) == 2
    assert len(VideoDataset.open(tmp_path / "train.csv")) == 2


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("abseiling,a,zero,10,train", "line 2.*times"),
        ("abseiling,a,0,10,holdout", "'holdout' is not a split"),
        ('"' + "x" * 200_000, r"train\.csv, line 2"),
        ("abseiling,a,0,10", r"train\.csv, line 2: 4 fields"),
    ],
    ids=["times", "split", "long", "short"],
)
def test_bad_kinetics_table_is_refused(tmp_path: Path, row: str, said: str):
    write(tmp_path / "train.csv", HEADER, row)
    with pytest.raises(DatasetError, match=said):
        VideoDataset.open(tmp_path)


# lists of MMAction2


def test_list_a_split_with_class_numbers(tmp_path: Path):
    write(tmp_path / "kinetics400_train_list_videos.txt", "some clip.mp4 2", "sub/b.mp4 10")
    write(tmp_path / "kinetics400_val_list_videos.txt", "c.mp4 2")
    put(tmp_path, "videos_train/some clip.mp4", "videos_train/sub/b.mp4", "videos_val/c.mp4")
    dataset = VideoDataset.open(tmp_path)
    assert dataset.task.classes == ("2", "10")
    assert listed(dataset, tmp_path) == [("videos_train/some clip.mp4", "2"), ("videos_train/sub/b.mp4", "10")]
    assert listed(VideoDataset.open(tmp_path, "val"), tmp_path) == [("videos_val/c.mp4", "2")]


def test_names_of_classes_lie_beside_the_lists(tmp_path: Path):
    write(tmp_path / "train.txt", "a.mp4 1", "b.mp4 0")
    write(tmp_path / "label_map.txt", "archery", "pull ups")
    put(tmp_path, "a.mp4", "b.mp4")
    dataset = VideoDataset.open(tmp_path)
    assert dataset.task.classes == ("archery", "pull ups")
    assert listed(dataset, tmp_path) == [("a.mp4", "pull ups"), ("b.mp4", "archery")]
    write(tmp_path / "label_map.txt", "archery")
    with pytest.raises(DatasetError, match="names 1 classes, and the lists go up to 1"):
        VideoDataset.open(tmp_path)


def test_lists_of_folders_of_frames_by_fold(tmp_path: Path):
    for fold in (1, 2):
        write(tmp_path / f"hmdb51_train_split_{fold}_rawframes.txt", f"brush/v{fold} 12 0", "clap/v9 3 1")
    put(tmp_path, "rawframes/brush/v1/1.jpg", "rawframes/brush/v2/1.jpg", "rawframes/clap/v9/1.jpg")
    for fold in (1, 2):
        dataset = VideoDataset.open(tmp_path, options=VideoDataset.Options(fold=fold))
        assert listed(dataset, tmp_path) == [(f"rawframes/brush/v{fold}", "0"), ("rawframes/clap/v9", "1")]


def test_one_list_is_everything(tmp_path: Path):
    write(tmp_path / "mine.txt", "a.mp4 0", "b.mp4 1")
    put(tmp_path, "a.mp4", "b.mp4")
    assert listed(VideoDataset.open(tmp_path / "mine.txt"), tmp_path) == [("a.mp4", "0"), ("b.mp4", "1")]


@pytest.mark.foreign_file("videos in train/ and val/ beside their lists", "MMAction2", "read")
def test_videos_in_folders_of_the_splits_are_found(tmp_path: Path):
    write(tmp_path / "train.txt", "a.mp4 0", "b.mp4 1")
    write(tmp_path / "val.txt", "c.mp4 1")
    put(tmp_path, "train/a.mp4", "train/b.mp4", "val/c.mp4")
    assert listed(VideoDataset.open(tmp_path), tmp_path) == [("train/a.mp4", "0"), ("train/b.mp4", "1")]
    assert listed(VideoDataset.open(tmp_path, "val"), tmp_path) == [("val/c.mp4", "1")]


def test_damaged_list_is_refused_with_its_line(tmp_path: Path):
    write(tmp_path / "train.txt", "a.mp4 0", "b.mp4 archery")
    put(tmp_path, "a.mp4", "b.mp4")
    with pytest.raises(DatasetError, match=r"train\.txt, line 2: 'b\.mp4 archery'"):
        VideoDataset.open(tmp_path)
    write(tmp_path / "train.txt", "a.mp4 0", "b.mp4 " + "9" * 5000)
    with pytest.raises(DatasetError, match=r"train\.txt, line 2"):
        VideoDataset.open(tmp_path)
    write(tmp_path / "train.txt", "a.mp4 0")
    write(tmp_path / "train_list.txt", "a.mp4 0")
    with pytest.raises(DatasetError, match="several lists for train"):
        VideoDataset.open(tmp_path)


# tables and all


def test_table_of_paths_and_labels(tmp_path: Path):
    put(tmp_path, "a.mp4", "b.mp4")
    write(tmp_path / "labels.csv", "path,label,split", "a.mp4,run,train", "b.mp4,jump,test")
    with pytest.warns(DataWarning, match="classes of test of which train has nothing: jump"):
        assert listed(VideoDataset.open(tmp_path, "test"), tmp_path) == [("b.mp4", "jump")]
    with pytest.warns(DataWarning, match="train has nothing"):
        assert len(VideoDataset.open(tmp_path / "labels.csv", "all")) == 2


def test_file_that_is_no_list_is_refused(tmp_path: Path):
    put(tmp_path, "a.mp4")
    write(tmp_path / "notes.txt", "nothing of the kind")
    with pytest.raises(DatasetError, match="not a list"):
        VideoDataset.open(tmp_path / "a.mp4")
    with pytest.raises(DatasetError, match="no known layout"):
        VideoDataset.open(tmp_path / "notes.txt")
    with pytest.raises(OptionError, match="colour"):
        VideoDataset.open(tmp_path, options=VideoDataset.Options(colour=1))


# demonstration


def contents(dataset: VideoDataset) -> list[bytes]:
    own = VideoTokenizer(8, VideoOptions(**VideoDataset.demo_options))
    return [own.prepare(own.read(dataset[index].sample))["pixels"].numpy().tobytes() for index in range(len(dataset))]


def test_demonstration_is_files_of_several_kinds_and_the_same_for_the_same_seed():
    first = VideoDataset.demo(size=18, seed=3)
    assert first.source.endswith("(synthetic)")
    assert {Path(first[index].sample).suffix for index in range(18)} == {".mp4", ".avi", ".mkv"}
    assert set(Counter(first.targets()).values()) == {3}
    again, other = VideoDataset.demo(size=18, seed=3), VideoDataset.demo(size=18, seed=4)
    assert contents(again) == contents(first) != contents(other)


@pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of data")
def test_ucf101_as_it_is_published():
    root = Path(os.environ["MT_DATA"]) / "video"
    for inside in ("", "UCF-101"):
        for split, size in {"train": 36, "test": 21}.items():
            dataset = VideoDataset.open(root / inside, split)
            assert len(dataset) == size and dataset.task.classes == ("BabyCrawling", "Punch", "PushUps")
            assert set(Counter(dataset.targets()).values()) == {size // 3}
