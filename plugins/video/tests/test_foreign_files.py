"""Videos as telephones, cameras and other programs write them: shown as a player shows them, or told."""

from __future__ import annotations

import io
import re
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.stream import VideoStream

from mt_core.errors import DataWarning, InputError
from mt_plugin_video.reading import read_video
from mt_plugin_video.sampling import Video

foreign = pytest.mark.foreign_file


def everything(duration_s: float) -> np.ndarray[Any, Any]:
    """A plan that wants each of up to 100 frames a second."""
    return np.arange(0.005, duration_s, 0.01)


def read(source: Any) -> Video:
    return read_video(source, 64, everything)


def levels(frames: int, height: int = 32, width: int = 32) -> np.ndarray[Any, Any]:
    """Flat grey frames, each brighter by 20 than the one before."""
    return np.broadcast_to((np.arange(frames) * 20).astype(np.uint8)[:, None, None, None], (frames, height, width, 3))


def numbers(video: Video) -> list[int]:
    """Which of `levels` the frames are."""
    return [round(float(frame.mean()) / 20) for frame in video.frames]


def written(
    frames: np.ndarray[Any, Any] | None = None,
    kind: str = "mp4",
    codec: str = "mpeg4",
    pixels: str = "yuv420p",
    *,
    stamps: list[int] | None = None,
    container: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
    shape: Fraction | None = None,
    **context: Any,
) -> bytes:
    """A file as FFmpeg writes it, by default eight frames at 10 a second; `stamps` are in milliseconds."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind, options=container or {}) as file:
        stream = file.add_stream(codec, rate=10, options=options or {})
        assert isinstance(stream, VideoStream)
        frames = levels(8) if frames is None else frames
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt, stream.thread_count = pixels, 1
        if stamps:
            stream.codec_context.time_base = Fraction(1, 1000)
        if shape:
            stream.codec_context.sample_aspect_ratio = shape
        for name, value in context.items():
            setattr(stream.codec_context, name, value)
        for number, each in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(each), format="rgb24")
            if stamps:
                frame.pts, frame.time_base = stamps[number], Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(written(kind="matroska"), marks=foreign("no frame count in the header", "recorder, MKV", "read")),
        pytest.param(
            written(container={"movflags": "frag_keyframe+empty_moov"}),
            marks=foreign("in fragments, without length or frame count", "web player, MP4", "read"),
        ),
        pytest.param(
            written(kind="webm", codec="libvpx", container={"live": "1"}),
            marks=foreign("no length in the header", "browser recording, WebM", "read: counted"),
        ),
        pytest.param(
            written(codec="libx264", max_b_frames=2),
            marks=foreign("an edit list, frames stored out of order", "encoder, MP4", "read: from its first frame"),
        ),
        pytest.param(
            written(kind="matroska", codec="ffv1", pixels="yuv420p10le"),
            marks=foreign("10 bits", "telephone, MKV", "read: to 8 bits"),
        ),
        pytest.param(
            written(kind="avi", codec="mjpeg", pixels="yuvj420p"),
            marks=foreign("MJPEG of full range", "webcam, AVI", "read: full range"),
        ),
        pytest.param(
            written(levels(8, 33, 35)), marks=foreign("odd sides", "screen recorder, MP4", "read: all of its pixels")
        ),
        pytest.param(written(kind="gif", codec="gif", pixels="rgb8"), marks=foreign("animated GIF", "web", "read")),
        pytest.param(
            written(kind="matroska", codec="ffv1", pixels="gray16le"),
            marks=foreign("16 bits of grey", "laboratory, MKV", "read: to 8 bits"),
        ),
    ],
)
def test_all_frames_are_read_at_their_times(content: bytes):
    video = read(content)
    assert numbers(video) == list(range(8))
    assert np.abs(video.times_s - np.arange(8) / 10).max() < 0.002 and abs(video.duration_s - 0.8) < 0.02


@foreign("variable frame rate", "telephone, MP4", "read: by time")
def test_frames_of_a_variable_rate_keep_their_times():
    stamps = [0, 40, 80, 500, 540, 2000, 2040, 2080]
    video = read(written(codec="libx264", stamps=stamps))
    assert numbers(video) == list(range(8)) and np.abs(video.times_s * 1000 - stamps).max() < 1


@pytest.mark.parametrize(
    ("luma_cb_cr", "space", "wide", "expected"),
    [
        pytest.param((255, 128, 128), 0, True, (255,) * 3, marks=foreign("full range", "telephone, MKV", "read")),
        pytest.param((235, 128, 128), 0, False, (255,) * 3, marks=foreign("studio range", "camera, MKV", "read")),
        pytest.param((63, 102, 240), 1, False, (255, 0, 0), marks=foreign("colours of BT.709", "camera, MKV", "read")),
        pytest.param(
            (81, 90, 240), 5, False, (255, 0, 0), marks=foreign("colours of BT.601", "old camera, MKV", "read")
        ),
        pytest.param((74, 97, 240), 9, False, (255, 0, 0), marks=foreign("colours of BT.2020", "telephone", "read")),
    ],
)
def test_range_and_colours_are_those_that_the_file_states(
    luma_cb_cr: tuple[int, int, int], space: int, wide: bool, expected: tuple[int, int, int]
):
    """Red and white by ITU-R BT.601, BT.709 and BT.2020, in 8 bits."""
    buffer = io.BytesIO()
    planes = np.empty((3, 32, 32), np.uint8)
    planes[:] = np.array(luma_cb_cr)[:, None, None]
    frame = av.VideoFrame.from_ndarray(planes, format="yuv444p")
    with av.open(buffer, "w", format="matroska") as file:
        stream = file.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv444p"
        for each in (stream.codec_context, frame):
            each.color_range = 2 if wide else 1
            each.colorspace = space or 2  # 2: not stated
        file.mux(stream.encode(frame))
        file.mux(stream.encode())
    assert np.abs(read(buffer.getvalue()).frames[0, 5, 5].astype(int) - expected).max() <= 2


@foreign("a single frame", "converter, MP4", "read")
def test_a_single_frame_is_a_video():
    video = read(written(levels(2)[1:]))
    assert numbers(video) == [1] and 0 < video.duration_s <= 0.2


@foreign("time stamps that stand still", "broken recorder, MKV", "read, told: as evenly spaced")
def test_time_stamps_that_stand_still_are_told():
    """The time of a block stands as 16 bits after its track number. Source: RFC 9559, section 10.2."""
    content = written(kind="matroska", codec="ffv1", pixels="yuv444p")
    block = rb"([\xa1\xa3](?:[\x80-\xff]|[\x40-\x7f].|[\x20-\x3f]..)\x81)..([\0\x80])"
    content, found = re.subn(block, rb"\1\0\0\2", content, flags=re.DOTALL)
    assert found >= 8
    with pytest.warns(DataWarning, match="time stamps stand still"):
        video = read(content)
    assert numbers(video) == list(range(8)) and (np.diff(video.times_s) > 0.01).all()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        pytest.param(
            Fraction(2, 1), (16, 32), marks=foreign("pixels twice as wide as high", "camcorder", "read: square")
        ),
        pytest.param(
            Fraction(1, 2), (32, 16), marks=foreign("pixels twice as high as wide", "broadcast", "read: square")
        ),
    ],
)
def test_pixels_that_are_no_squares_become_squares(shape: Fraction, expected: tuple[int, int]):
    assert read(written(shape=shape)).frames.shape[1:3] == expected


@foreign("interlaced", "camcorder, MKV", "read, told: whole frames")
def test_interlaced_frames_are_told():
    frames = levels(8, 64, 64)
    content = written(frames, kind="matroska", codec="mpeg2video", options={"flags": "+ildct+ilme", "top": "1"})
    with pytest.warns(DataWarning, match="interlaced"):
        assert numbers(read(content)) == list(range(8))


@foreign("HDR (HLG)", "telephone, MP4", "read, told: not mapped to a usual screen")
def test_hdr_is_told():
    content = written(codec="libx264", pixels="yuv420p10le", options={"color_trc": "arib-std-b67"})
    with pytest.warns(DataWarning, match="HDR"):
        assert len(read(content).frames) == 8


def with_cover(films: int) -> bytes:
    """A red cover picture in front of so many films."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as file:
        cover = file.add_stream("mjpeg", rate=1)
        cover.width = cover.height = 64
        cover.pix_fmt = "yuvj420p"
        cover.disposition = Disposition.attached_pic
        streams = [file.add_stream("mpeg4", rate=10) for _ in range(films)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        red = np.zeros((64, 64, 3), np.uint8)
        red[..., 0] = 255
        file.mux(cover.encode(av.VideoFrame.from_ndarray(red, format="rgb24")))
        file.mux(cover.encode())
        for stream in streams:
            for each in levels(8):
                file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(each), format="rgb24")))
            file.mux(stream.encode())
    return buffer.getvalue()


@foreign("a cover picture as the first video stream", "music shop, MP4", "read: the film")
def test_a_cover_picture_is_passed_over():
    assert numbers(read(with_cover(films=1))) == list(range(8))


@foreign("a cover picture and no film", "music shop, M4A", "refused: no video")
def test_a_cover_picture_alone_is_no_video():
    with pytest.raises(InputError, match="holds no video"):
        read(with_cover(films=0))


@foreign("several films in one file", "dashboard camera, MP4", "read, told: one of them")
def test_further_films_are_told():
    with pytest.warns(DataWarning, match="left out: 1 further video streams"):
        assert numbers(read(with_cover(films=2))) == list(range(8))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(
            (whole := written())[: whole.index(b"moov") - 4],
            "moov",
            marks=foreign("cut off before its index (moov)", "telephone, MP4", "refused: names the index"),
        ),
        pytest.param(
            written(kind="flv", codec="flv1"),
            r"Flash video(.|\n)*ffmpeg",
            marks=foreign("Flash video", "old web site", "refused: to be put into another container"),
        ),
        pytest.param(
            written(kind="asf", codec="wmv2"),
            r"Windows Media(.|\n)*ffmpeg",
            marks=foreign("Windows Media", "old camera", "refused: to be put into another container"),
        ),
        pytest.param(
            written(kind="h264", codec="libx264"),
            r"bare H\.264(.|\n)*ffmpeg",
            marks=foreign("a bare H.264 stream", "surveillance recorder", "refused: to be put into a container"),
        ),
        pytest.param(
            b"<!DOCTYPE html><html>",
            "web page",
            marks=foreign("an error page", "download script", "refused: is a web page"),
        ),
        pytest.param(
            b"version https://git-lfs.github.com/spec/v1\n",
            "git lfs pull",
            marks=foreign("a Git LFS pointer", "repository of data", "refused: to be pulled"),
        ),
        pytest.param(bytes(5000), "full of zeros", marks=foreign("zeros throughout", "broken copy", "refused")),
    ],
)
def test_what_cannot_be_read_is_called_what_it_is(tmp_path: Path, content: bytes, said: str):
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(InputError, match=said):
        read(tmp_path / "a.mp4")


@foreign("sound alone", "recorder, WAV called .mp4", "refused: is a sound recording")
def test_sound_alone_is_refused():
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(8000))
    with pytest.raises(InputError, match="sound recording"):
        read(buffer.getvalue())


NOISE = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)


@pytest.mark.parametrize(
    ("kind", "codec", "pixels", "container"),
    [
        pytest.param("matroska", "ffv1", "yuv444p", {}, marks=foreign("cut off", "MKV", "read, told: what is there")),
        pytest.param("avi", "mjpeg", "yuvj420p", {}, marks=foreign("cut off", "AVI", "read, told: what is there")),
        pytest.param(
            "mp4",
            "mpeg4",
            "yuv420p",
            {"movflags": "faststart"},
            marks=foreign("cut off, its index at the front", "web download, MP4", "read, told: what is there"),
        ),
    ],
)
def test_of_a_truncated_file_what_is_there_is_read_and_told(
    kind: str, codec: str, pixels: str, container: dict[str, str], tmp_path: Path
):
    content = written(NOISE, kind, codec, pixels) if kind != "mp4" else _with_index_first(tmp_path)
    with pytest.warns(DataWarning) as told:
        video = read(content[: len(content) * 3 // 4])
    assert any("left out" in str(each.message) for each in told)
    assert 5 <= len(video.frames) < 20


def _with_index_first(folder: Path) -> bytes:
    path = folder / "a.mp4"
    with av.open(str(path), "w", options={"movflags": "faststart"}) as file:
        stream = file.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for each in NOISE:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(each, format="rgb24")))
        file.mux(stream.encode())
    return path.read_bytes()
