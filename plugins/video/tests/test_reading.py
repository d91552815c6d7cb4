"""Every kind of video is read as what it shows, upright and in time, and every bad one is refused in our own words."""

from __future__ import annotations

import io
import os
import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from av.video.stream import VideoStream
from PIL import Image

from mt_core.errors import DataWarning, InputError
from mt_plugin_video.reading import decoding, read_video
from mt_plugin_video.sampling import Video
from mt_plugin_video.tokenizer import VideoTokenizer

QUARTERS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
"""High left, high right, low left, low right: red, green, blue, white."""

ALL = 100.0


def everything(duration_s: float) -> np.ndarray[Any, Any]:
    """A plan that wants each of up to ALL frames a second."""
    return np.arange(0.5 / ALL, duration_s, 1 / ALL)


def read(source: Any, needed: int = 64, plan: Any = everything) -> Video:
    return read_video(source, needed, plan)


def quarters(frames: int = 4, height: int = 32, width: int = 48) -> np.ndarray[Any, Any]:
    video = np.zeros((frames, height, width, 3), np.uint8)
    halves = (slice(None, height // 2), slice(height // 2, None)), (slice(None, width // 2), slice(width // 2, None))
    for place, colour in enumerate(QUARTERS):
        video[:, halves[0][place // 2], halves[1][place % 2]] = colour
    return video


def levels(frames: int, step: int = 20) -> np.ndarray[Any, Any]:
    """Flat grey frames, each brighter than the one before."""
    return np.broadcast_to((np.arange(frames) * step).astype(np.uint8)[:, None, None, None], (frames, 32, 32, 3)).copy()


def numbers(video: Video, step: int = 20) -> list[int]:
    """Which of `levels` the frames are."""
    return [round(float(frame.mean()) / step) for frame in video.frames]


def save(
    path: Path,
    frames: np.ndarray[Any, Any],
    codec: str = "mpeg4",
    pixel_format: str = "yuv420p",
    *,
    stamps: list[int] | None = None,
    rotation: float | None = None,
    mirror: bool = False,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    b_frames: int = 0,
) -> Path:
    """A file as FFmpeg writes it; `stamps` are in units of 1/100 s."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt, stream.thread_count = pixel_format, 1
        stream.codec_context.max_b_frames = b_frames
        if stamps:
            stream.codec_context.time_base = Fraction(1, 100)
        if rotation is not None:
            stream.set_display_rotation(rotation, hflip=mirror)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if stamps:
                frame.pts, frame.time_base = stamps[number], Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def shown_quarters(video: Video) -> list[tuple[int, ...]]:
    """The colours of the first frame's quarters, each channel as 0 or 255 where it is close."""
    height, width = video.frames.shape[1:3]
    picture = video.frames[0].astype(int)
    middles = [
        picture[height * (1 + 2 * down) // 4, width * (1 + 2 * across) // 4] for down in (0, 1) for across in (0, 1)
    ]
    return [
        tuple(round(int(value) / 255) * 255 if abs(value - 127) > 95 else int(value) for value in each)
        for each in middles
    ]


# files


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("a.mp4", "mpeg4", "yuv420p"),
        ("a.mov", "mjpeg", "yuvj444p"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.mkv", "ffv1", "yuv444p"),
        ("a.mkv", "ffv1", "yuv420p10le"),
        ("a.mkv", "ffv1", "bgr0"),
        ("a.webm", "libvpx", "yuv420p"),
        ("a.gif", "gif", "rgb8"),
    ],
)
def test_containers_codecs_and_pixel_formats(tmp_path: Path, name: str, codec: str, pixel_format: str):
    try:
        av.Codec(codec, "w")
    except ValueError:
        pytest.skip(f"this FFmpeg has no {codec}")
    path = save(tmp_path / name, quarters(), codec, pixel_format)
    for source in (path, str(path), path.read_bytes()):
        video = read(source)
        assert video.frames.shape == (4, 32, 48, 3) and video.frames.dtype == np.uint8
        assert shown_quarters(video) == QUARTERS
        assert video.times_s == pytest.approx([0, 0.04, 0.08, 0.12], abs=2e-3)
        assert video.duration_s == pytest.approx(0.16, abs=0.01)


def test_content_counts_and_not_the_name(tmp_path: Path):
    path = save(tmp_path / "a.mkv", quarters(), "ffv1", "yuv444p").rename(tmp_path / "a.mp4")
    assert shown_quarters(read(path)) == QUARTERS


def test_grey_has_three_equal_colours(tmp_path: Path):
    video = read(save(tmp_path / "a.mkv", levels(3), "ffv1", "gray"))
    assert np.array_equal(video.frames, levels(3))


@pytest.mark.parametrize("size", [(17, 31), (16, 2), (1, 1)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]):
    video = read(save(tmp_path / "a.mkv", np.full((2, *size, 3), 90, np.uint8), "ffv1", "yuv444p"))
    assert video.frames.shape == (2, *size, 3) and np.abs(video.frames.astype(int) - 90).max() <= 3


@pytest.mark.parametrize(
    ("rotation", "mirror", "order"),
    # counterclockwise; the order of the quarters that is then shown
    [(0, False, [0, 1, 2, 3]), (90, False, [1, 3, 0, 2]), (180, False, [3, 2, 1, 0]), (-90, False, [2, 0, 3, 1])],
)
def test_rotation_is_undone(tmp_path: Path, rotation: float, mirror: bool, order: list[int]):
    video = read(save(tmp_path / "a.mp4", quarters(), rotation=rotation, mirror=mirror))
    assert shown_quarters(video) == [QUARTERS[place] for place in order]
    assert video.frames.shape[1:3] == ((48, 32) if abs(rotation) == 90 else (32, 48))


def test_mirrored_recording_is_undone(tmp_path: Path):
    video = read(save(tmp_path / "a.mp4", quarters(), rotation=0, mirror=True))
    assert shown_quarters(video) == [QUARTERS[place] for place in (1, 0, 3, 2)]


def test_frames_are_reduced_and_keep_their_shape(tmp_path: Path):
    video = read(save(tmp_path / "a.avi", quarters(2, 256, 384), "mjpeg", "yuvj420p"), needed=28)
    assert video.frames.shape == (2, 32, 48, 3) and shown_quarters(video) == QUARTERS


def test_reducing_averages(tmp_path: Path):
    checks = np.repeat((np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[None, ..., None], 3, axis=-1)
    video = read(save(tmp_path / "a.mkv", checks, "ffv1", "yuv444p"), needed=14)
    assert np.abs(video.frames.astype(int) - 127).max() <= 4


# time


def test_only_the_frames_that_are_wanted_are_kept(tmp_path: Path):
    path = save(tmp_path / "a.mkv", levels(12), "ffv1", "yuv444p")
    video = read(path, plan=lambda duration_s: np.array([0.02, 0.25, duration_s + 1]))
    assert numbers(video) == [0, 6, 11] and video.times_s == pytest.approx([0, 0.24, 0.44], abs=2e-3)


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "mpeg4"), ("a.mp4", "mpeg4")])
def test_variable_rate_goes_by_time(tmp_path: Path, name: str, codec: str):
    path = save(tmp_path / name, levels(5), codec, stamps=[0, 4, 8, 200, 204])
    video = read(path, plan=lambda duration_s: np.array([0.02, 1.0, 1.9, 2.02]))
    assert numbers(video) == [0, 2, 3]
    assert video.duration_s == pytest.approx(2.08, abs=0.5)


def test_clock_that_begins_late_begins_at_zero(tmp_path: Path):
    path = save(tmp_path / "a.mkv", levels(3), "ffv1", "yuv444p", stamps=[500, 504, 508])
    video = read(path)
    assert numbers(video) == [0, 1, 2] and video.times_s[0] == 0 and video.duration_s < 0.2


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_frames_that_are_stored_out_of_order_are_shown_in_order(tmp_path: Path, name: str):
    path = save(tmp_path / name, levels(12), "mpeg4", b_frames=2)
    with av.open(str(path)) as container:
        assert any(frame.pict_type == av.video.frame.PictureType.B for frame in container.decode(video=0))
    assert numbers(read(path)) == list(range(12))


def test_missing_length_and_frame_count_are_no_obstacle(tmp_path: Path):
    path = save(tmp_path / "a.mkv", levels(6), "ffv1", "yuv444p", container_options={"live": "1"})
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 0 and container.duration is None
    assert numbers(read(path)) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_long_video_is_skipped_through_and_gives_the_same_frames(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
):
    path = save(tmp_path / name, levels(100, step=2), "mpeg4", options={"g": "10", "qscale": "1"}, b_frames=1)
    wanted = np.array([0.5, 1.91, 3.51])

    def decoded() -> tuple[list[int], int]:
        count = 0
        times_of = decoding._Frames._time_of

        def counted(self: Any, frame: Any) -> float:
            nonlocal count
            count += 1
            return times_of(self, frame)

        with monkeypatch.context() as patch:
            patch.setattr(decoding._Frames, "_time_of", counted)
            return [round(float(frame.mean())) for frame in read(path, plan=lambda _: wanted).frames], count

    straight, all_of_them = decoded()
    monkeypatch.setattr(decoding, "_SKIP_S", 0.5)
    skipping, some_of_them = decoded()
    assert skipping == straight and some_of_them < all_of_them / 1.5
    assert straight == pytest.approx([24, 94, 174], abs=3)


# folders of frames


def test_folder_of_numbered_pictures_is_one_video(tmp_path: Path):
    for number, frame in enumerate(levels(12)):
        Image.fromarray(frame).save(tmp_path / f"frame{number}.png")  # 10 comes after 9
    (tmp_path / "notes.txt").write_text("no picture")
    Image.fromarray(levels(13)[12]).save(tmp_path / "frame11²3.png")  # ² is a digit, and no number
    for source in (tmp_path, str(tmp_path)):
        assert numbers(read(source)) == list(range(13))


def test_frames_of_a_folder_may_be_of_any_mode(tmp_path: Path):
    for mode in ("L", "RGBA", "P"):
        folder = tmp_path / mode
        folder.mkdir()
        Image.new("RGB", (20, 10), (100, 100, 100)).convert(mode).save(folder / "1.png")
        assert np.abs(read(folder).frames.astype(int) - 100).max() <= 2  # a palette has no exact grey
    Image.fromarray(np.full((10, 20), 100 << 8, np.uint16)).save(tmp_path / "1.png")
    assert (read(tmp_path).frames == 100).all()


def test_frames_of_a_folder_are_turned_upright_and_numbers_of_an_unknown_range_are_no_black_frames(tmp_path: Path):
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (20, 10)).save(tmp_path / "1.jpg", exif=turned)
    assert read(tmp_path).frames.shape == (1, 20, 10, 3)
    (tmp_path / "1.jpg").unlink()
    Image.fromarray(np.full((10, 20), 0.4, np.float32)).save(tmp_path / "1.tif")
    assert (read(tmp_path).frames == 102).all()
    Image.fromarray(np.full((10, 20), 36.6, np.float32)).save(tmp_path / "1.tif")
    with pytest.raises(InputError, match=r"1\.tif holds values from 36\.6"):
        read(tmp_path)


def test_bad_folder_of_frames_is_refused_with_the_name_of_the_frame(tmp_path: Path):
    with pytest.raises(InputError, match="holds no pictures"):
        read(tmp_path)
    Image.new("RGB", (20, 10)).save(tmp_path / "1.png")
    Image.new("RGB", (30, 10)).save(tmp_path / "2.png")
    with pytest.raises(InputError, match=r"2\.png is not as large"):
        read(tmp_path)
    (tmp_path / "2.png").write_bytes((tmp_path / "1.png").read_bytes()[:40])
    with pytest.raises(InputError, match=r"2\.png"):
        read(tmp_path)


def test_frame_with_too_many_pixels_is_refused_by_its_header(tmp_path: Path):
    for side in (8_000, 100_000):
        header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
        data = b"IDAT" + zlib.compress(b"")
        chunks = [
            struct.pack(">I", len(each) - 4) + each + struct.pack(">I", zlib.crc32(each)) for each in (header, data)
        ]
        (tmp_path / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
        with pytest.raises(InputError, match=r"1\.png is too large .* 35 megapixels"):
            read(tmp_path)


# arrays


def test_arrays_and_tensors_are_read_alike():
    frames = quarters()
    expected = read(frames).frames
    assert np.array_equal(expected, frames)
    assert np.array_equal(read(torch.from_numpy(frames).permute(0, 3, 1, 2)).frames, frames)
    assert np.array_equal(read(frames / 255.0).frames, frames)
    assert np.array_equal(read(torch.from_numpy(frames).permute(0, 3, 1, 2) / 255).frames, frames)
    alpha = np.concatenate([frames, frames[..., :1]], axis=-1)
    assert np.array_equal(read(alpha).frames, frames)
    assert np.array_equal(read(frames[..., 0]).frames, frames[..., [0, 0, 0]])


def test_large_array_is_reduced_and_only_in_part_kept():
    video = read(quarters(100, 64, 96), needed=28, plan=lambda duration_s: np.array([0.0, 2.0]))
    assert video.frames.shape == (2, 32, 48, 3) and shown_quarters(video) == QUARTERS


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((4, 3, 8, 8), np.uint8), "shape is"),
        (np.zeros((8, 8), np.uint8), "shape is"),
        (np.zeros((0, 8, 8, 3), np.uint8), "no pixel"),
        (np.full((2, 8, 8, 3), np.nan), "from nan"),
        (np.full((2, 8, 8, 3), np.inf), "to inf"),
        (np.full((2, 8, 8, 3), -0.5), "from -0.5"),
        (np.zeros((2, 8, 8, 3), np.int64), "int64"),
        (np.zeros((2, 8, 8, 3), bool), "bool"),
        (np.array([["a"]]), "shape is"),
        (torch.zeros(3, 8), "shape is"),
        (None, "not a video"),
        (7, "not a video"),
    ],
    ids=lambda value: f"{type(value).__name__}{getattr(value, 'shape', value)}"[:40],
)
def test_what_is_no_array_of_frames_is_refused_with_a_fix(array: Any, said: str):
    with pytest.raises(InputError, match=said) as caught:
        read(array)
    assert caught.value.fix


# bad files


@pytest.fixture(scope="module")
def clip() -> dict[str, bytes]:
    """The bytes of a file of each kind."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        noise = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
        kinds = {".mp4": ("mpeg4", "yuv420p"), ".avi": ("mjpeg", "yuvj420p"), ".mkv": ("ffv1", "yuv444p")}
        return {suffix: save(Path(folder) / f"a{suffix}", noise, *kind).read_bytes() for suffix, kind in kinds.items()}


def test_recording_that_was_cut_off_says_that_its_index_is_missing(tmp_path: Path, clip: dict[str, bytes]):
    path = tmp_path / "a.mp4"
    path.write_bytes(clip[".mp4"][: len(clip[".mp4"]) // 2])
    with pytest.raises(InputError, match=r"a\.mp4 is incomplete.*moov"):
        read(path)
    with pytest.raises(InputError, match="incomplete"):
        read(path.read_bytes())


@pytest.mark.parametrize("suffix", [".avi", ".mkv"])
def test_of_a_truncated_file_what_is_there_is_read(tmp_path: Path, clip: dict[str, bytes], suffix: str):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(clip[suffix][: len(clip[suffix]) * 3 // 4])
    with pytest.warns(DataWarning, match="left out"):
        video = read(path)
    assert 5 <= len(video.frames) < 20
    assert video.times_s[0] == 0 and (np.diff(video.times_s) > 0).all()


def test_damage_in_the_middle_leaves_the_rest(tmp_path: Path, clip: dict[str, bytes]):
    content = bytearray(clip[".avi"])
    middle = len(content) // 2
    content[middle : middle + 600] = bytes(600)
    path = tmp_path / "a.avi"
    path.write_bytes(content)
    with pytest.warns(DataWarning, match="left out"):
        assert len(read(path).frames) >= 8


def audio_alone(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le" if path.suffix == ".avi" else "aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))  # type: ignore[union-attr, arg-type]
        container.mux(stream.encode())  # type: ignore[union-attr]


def test_sound_alone_is_no_video(tmp_path: Path):
    audio_alone(tmp_path / "a.avi")
    with pytest.raises(InputError, match=r"a\.avi holds no video, only audio"):
        read(tmp_path / "a.avi")


def test_video_without_a_frame_is_refused(tmp_path: Path):
    save(tmp_path / "a.mkv", levels(1), "ffv1", "yuv444p")
    content = (tmp_path / "a.mkv").read_bytes()
    with av.open(io.BytesIO(content)) as container:
        packet = next(container.demux(video=0))
        first = packet.pos
    (tmp_path / "a.mkv").write_bytes(content[: first or 0])
    with pytest.raises(InputError, match=r"a\.mkv.*(no frame|not a video)"):
        read(tmp_path / "a.mkv")


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{path}\n#EXT-X-ENDLIST\n"


def test_file_that_names_others_is_not_followed(tmp_path: Path):
    other = save(tmp_path / "other.mp4", levels(3))
    for name, content in {
        "a.mp4": PLAYLIST.format(path=other),
        "b.avi": f"ffconcat version 1.0\nfile '{other}'\n",
    }.items():
        (tmp_path / name).write_text(content)
        with pytest.raises(InputError, match="not a video that can be read"):
            read(tmp_path / name)


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv", ".webm"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\0", bytes(5000), np.random.default_rng(0).bytes(5000), b"not a film\n" * 50, b"\x89PNG\r\n\x1a\n" * 20],
    ids=["empty", "one byte", "zeros", "random", "text", "picture"],
)
def test_what_is_no_video_is_refused_with_its_name(tmp_path: Path, suffix: str, content: bytes):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    for source in (path, content):
        with pytest.raises(InputError) as caught:
            read(source)
        assert caught.value.fix and (source is content or path.name in caught.value.problem)


@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
def test_any_damage_is_refused_or_survived(clip: dict[str, bytes]):
    random = np.random.default_rng(0)
    for content in clip.values():
        for _ in range(25):
            damaged = bytearray(content)
            for place in random.integers(0, len(damaged), 30):
                damaged[place] = random.integers(256)
            try:
                assert len(read(bytes(damaged[: random.integers(1, len(damaged))])).frames)
            except InputError as error:
                assert error.fix


def test_missing_file_is_told(tmp_path: Path):
    with pytest.raises(InputError, match="does not exist"):
        read(tmp_path / "gone.mp4")


def test_name_that_looks_like_an_address_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "x.mkv", levels(2), "ffv1", "yuv444p").rename(tmp_path / "concat:a|b.mkv")
    assert numbers(read("concat:a|b.mkv")) == [0, 1]


def test_too_many_pixels_are_refused_by_the_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = save(tmp_path / "a.avi", quarters(2, 256, 256), "mjpeg", "yuvj420p")
    monkeypatch.setattr(decoding, "MAX_PIXELS", 200 * 200)
    with pytest.raises(InputError, match=r"a\.avi has frames of more than"):
        read(path)


def test_header_that_hides_the_size_of_the_frames_is_no_way_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = save(tmp_path / "a.avi", quarters(2, 256, 256), "mjpeg", "yuvj420p")
    content = path.read_bytes()
    small, large = (16).to_bytes(4, "little") * 2, (256).to_bytes(4, "little") * 2
    assert content.count(large) >= 2
    path.write_bytes(content.replace(large, small))
    monkeypatch.setattr(decoding, "MAX_PIXELS", 200 * 200)
    with pytest.raises(InputError, match=r"a\.avi"):
        read(path)


def test_too_many_hours_are_refused_before_anything_is_decoded(tmp_path: Path):
    hour = 100 * 3600
    path = save(tmp_path / "a.mkv", levels(3), "ffv1", "yuv444p", stamps=[0, hour, 5 * hour])
    with pytest.raises(InputError, match=r"a\.mkv is 5\.0 hours long"):
        read(path)


@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
def test_nothing_is_said_on_the_error_stream(tmp_path: Path, clip: dict[str, bytes], capfd: pytest.CaptureFixture[str]):
    for suffix, content in clip.items():
        (tmp_path / f"a{suffix}").write_bytes(content[: len(content) * 2 // 3])
        try:
            read(tmp_path / f"a{suffix}")
        except InputError:
            pass
    read(save(tmp_path / "b.avi", quarters(), "mjpeg", "yuvj420p"), needed=8)
    captured = capfd.readouterr()
    assert captured.err == "" and captured.out == ""


@pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of data")
def test_every_video_of_ucf101_is_read():
    paths = sorted((Path(os.environ["MT_DATA"]) / "video" / "UCF-101").glob("*/*.avi"))
    assert len(paths) == 57
    for path in paths[::4]:
        video = read(path, needed=32, plan=lambda duration_s: np.linspace(0, duration_s, 8))
        assert 7 <= len(video.frames) <= 8 and 29 / 25 - 0.05 <= video.duration_s <= 12.1
        assert video.frames.std() > 10


def test_the_header_of_a_video_says_how_large_and_how_fast_it_is(tmp_path: Path):
    facts = VideoTokenizer(8).file_facts(save(tmp_path / "small.mp4", quarters(height=32, width=48)))
    assert {**facts, "format": ""} == {
        "format": "",
        "codec": "mpeg4",
        "width_px": 48,
        "height_px": 32,
        "rate_hz": pytest.approx(25, rel=0.1),
    }
    assert "mp4" in facts["format"]
