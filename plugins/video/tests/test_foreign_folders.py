"""Folders of frames as other people's programs and data sets write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from mt_core.errors import DataWarning, InputError
from mt_plugin_video.dataset import VideoDataset
from mt_plugin_video.reading import read_video
from mt_plugin_video.sampling import Video

foreign = pytest.mark.foreign_file


def read(folder: Path) -> Video:
    return read_video(folder, 64, lambda duration_s: np.arange(0.005, duration_s, 0.01))


def numbers(video: Video) -> list[int]:
    """Which of `pictures` the frames are."""
    return [round(float(frame.mean()) / 20) for frame in video.frames]


def pictures(folder: Path, *names: str) -> Path:
    """Each brighter than the one before."""
    for number, name in enumerate(names):
        Image.new("RGB", (32, 32), (20 * number,) * 3).save(folder / name)
    return folder


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(
            ("frame_1.png", "frame_2.png", "frame_10.png", "frame_11.png"),
            marks=foreign(
                "numbers without zeros in front (10 before 2)", "ffmpeg, a folder of frames", "read, told: by number"
            ),
        ),
        pytest.param(
            ("00-59.png", "01-00.png", "01-01.png"),
            marks=foreign("two numbers in a name", "exporter, a folder of frames", "read: by both"),
        ),
        pytest.param(("a.png", "b.png"), marks=foreign("names without numbers", "by hand, a folder", "read: by name")),
        pytest.param(
            ("1403636579763555584.png", "1403636579813555456.png", "1403636579963555584.png"),
            marks=foreign("time stamps as names", "robot recording, a folder of frames", "read: in their order"),
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:.*numbers have gaps")
def test_frames_are_in_the_order_of_their_numbers(tmp_path: Path, names: tuple[str, ...]):
    assert numbers(read(pictures(tmp_path, *names))) == list(range(len(names)))


@foreign("numbers with gaps", "dropped frames, a folder", "read, told: as evenly spaced")
def test_gaps_between_the_numbers_are_told(tmp_path: Path):
    with pytest.warns(DataWarning, match="numbers have gaps"):
        read(pictures(tmp_path, "1.png", "2.png", "5.png"))


@foreign("every fifth frame", "a folder of frames", "read")
def test_equal_steps_between_the_numbers_are_told_nothing_of(tmp_path: Path):
    assert numbers(read(pictures(tmp_path, "005.png", "010.png", "015.png"))) == [0, 1, 2]


@pytest.mark.parametrize(
    "beside",
    [
        pytest.param(
            ("flow_x_00001.png", "flow_y_00001.png"),
            marks=foreign("optical flow beside the frames", "MMAction folder", "read, told: the frames"),
        ),
        pytest.param(
            ("depth_1.png", "mask_1.png"),
            marks=foreign("depth and masks beside the frames", "RGB-D folder", "read, told: the frames"),
        ),
        pytest.param(
            ("cover.png", "thumb.png"), marks=foreign("a cover picture beside", "folder", "read, told: the frames")
        ),
    ],
)
def test_pictures_beside_the_frames_are_left_out_and_told(tmp_path: Path, beside: tuple[str, ...]):
    with pytest.warns(DataWarning, match="left out: 2 pictures beside its 3 frames"):
        assert numbers(read(pictures(tmp_path, "img_00001.png", "img_00002.png", "img_00003.png", *beside))) == [
            0,
            1,
            2,
        ]


@foreign("the frames of two videos in one folder", "by hand", "refused: several series")
def test_two_videos_in_one_folder_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="several series of pictures"):
        read(pictures(tmp_path, "cat_1.png", "cat_2.png", "dog_1.png", "dog_2.png"))


@foreign("frames of TIFF with thumbnails in front", "microscope, a folder of frames", "read: the full pictures")
def test_thumbnails_within_the_frames_are_passed_over(tmp_path: Path):
    for number in range(3):
        with tifffile.TiffWriter(tmp_path / f"{number}.tif") as writer:
            writer.write(np.full((8, 8), 255, np.uint8), photometric="minisblack", subfiletype=1)
            writer.write(np.full((32, 32), 20 * number, np.uint8), photometric="minisblack")
    video = read(tmp_path)
    assert numbers(video) == [0, 1, 2] and video.frames.shape[1:3] == (32, 32)


@foreign("folders of frames beside the files of videos", "extraction scripts", "read, told: the files")
def test_folders_of_frames_beside_videos_are_told(tmp_path: Path):
    for name in ("run", "jump"):
        (tmp_path / name / "1").mkdir(parents=True)
        pictures(tmp_path / name / "1", "1.png", "2.png")
        (tmp_path / name / "1.mp4").write_bytes(b"not read here")
    with pytest.warns(DataWarning, match="2 folders of pictures beside the files of videos"):
        dataset = VideoDataset.open(tmp_path)
    assert [Path(path).name for path in dataset.samples] == ["1.mp4", "1.mp4"]
