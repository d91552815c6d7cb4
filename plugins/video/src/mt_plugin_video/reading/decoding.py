"""Video files to the frames that are needed, by FFmpeg through PyAV.

A file is gone through twice. Once its packets are counted, without decoding: what headers say of length and frame
count is missing or wrong too often, and rates may vary. Then it is decoded, on one thread, up to the last frame that is
needed; of the frames in between none is kept, and where they are many they are skipped from key frame to key frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mt_core.errors import InputError
from mt_core.sdk import declared_suffixes, left_out, reinterpreted
from mt_plugin_video.reading.counting import Index, count_packets, packets
from mt_plugin_video.reading.moov import is_cut_before_index
from mt_plugin_video.reading.strangers import stranger
from mt_plugin_video.sampling import Pixels, Plan, Video

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream
    from av.buffer import Buffer
    from av.container import InputContainer
    from av.video.reformatter import VideoReformatter

SUFFIXES = declared_suffixes("mt_plugin_video")

_CONTAINERS = "mov,matroska,avi,gif"
"""Those that FFmpeg may open. It knows others that fetch what a file names from elsewhere (playlists)."""

MAX_PIXELS = 8192 * 4320
"""Of one frame: 8K as cinemas have it. Decoders keep up to sixteen frames at a time."""

_SKIP_S = 5.0
"""Decoding on is preferred to seeking where less than this lies before the next key frame that helps."""

_REDUCED = 8 / 7
"""Shorter side of what is kept, in parts of what is needed: room to crop from, as in 256 for 224."""

_LONGEST_STRIP = 16
"""Of a very elongated video, as many squares of what is needed are kept at the most."""


def decode(source: str | Path | bytes, name: str, needed: int, plan: Plan) -> Video:
    """The frames of a video file that a plan asks for, reduced to about what is needed.

    What can be decoded of a damaged or truncated file is taken, as long as it is one frame.

    Args:
        source: A path, or the bytes of a file.
        name: How it is called in messages.
        needed: Pixels that the shorter side of a frame should keep at least, where it has them.
        plan: Which times are wanted.

    Raises:
        InputError: no video, no frame, more than `MAX_PIXELS` or `MAX_HOURS`.
    """
    with _opened(source, name) as (container, stream):
        index = count_packets(container, stream, name)
    with _opened(source, name) as (container, stream):
        return _decoded(container, stream, index, name, needed, plan)


def header_of(path: str | Path) -> dict[str, Any]:
    """What the header of a video says, for `Tokenizer.file_facts`.

    Raises:
        InputError: no video.
    """
    with _opened(path, str(path)) as (container, stream):
        context = stream.codec_context
        rate = stream.average_rate or stream.guessed_rate
        return {
            "format": container.format.name,
            "codec": context.name,
            "width_px": context.width,
            "height_px": context.height,
            "rate_hz": float(rate) if rate else None,
        }


@contextmanager
def _opened(source: str | Path | bytes, name: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and the video in it, its header checked."""
    import av
    from av.error import FFmpegError
    from av.stream import Discard

    limits = {"max_pixels": str(MAX_PIXELS)}  # whatever a decoder comes across, also while the file is being opened
    file = BytesIO(source) if isinstance(source, bytes) else f"file:{source}"
    try:
        container = av.open(
            file, "r", options=limits, container_options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
        )
    except FFmpegError as error:
        if is_cut_before_index(source):
            raise InputError(
                f"{name} is incomplete: its index (the 'moov' box), which is written last, is missing",
                fix="copy or record the file again; without the index nothing in it can be found",
            ) from None
        if known := stranger(source):
            raise InputError(f"{name} is {known[0]}, and not a video that can be read", fix=known[1]) from None
        raise InputError(
            f"{name} is not a video that can be read ({error.strerror or type(error).__name__})",
            fix=f"check that the file is whole and one of {' '.join(SUFFIXES)}",
        ) from None
    with container:
        stream = _video_in(container, name)
        if not 0 < stream.codec_context.width * stream.codec_context.height <= MAX_PIXELS:
            # FFmpeg forgets the size of what is over its limit
            raise InputError(
                f"{name} has frames of more than {MAX_PIXELS / 1e6:.0f} million pixels, or does not say of how many",
                fix="save it smaller, for instance by ffmpeg -vf scale=1280:-2",
            )
        stream.codec_context.options = limits
        stream.codec_context.thread_count = 1
        for other in container.streams:
            if other is not stream:
                other.discard = Discard.all
        yield container, stream


def _video_in(container: InputContainer, name: str) -> VideoStream:
    """The stream that is the film, and no cover picture; of several, FFmpeg's choice."""
    from av.stream import Disposition

    films = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
    if not films:
        held = ", ".join(sorted({each.type for each in container.streams})) or "nothing"
        raise InputError(f"{name} holds no video, only {held}", fix="choose a file with pictures in it")
    if not films[0].codec_context:  # what is not known to FFmpeg has none
        raise InputError(
            f"{name} is coded in a way that this build of FFmpeg cannot decode",
            fix="convert it, for instance to H.264 in .mp4",
        )
    if len(films) == 1:
        return films[0]
    left_out(name, f"{len(films) - 1} further video streams")
    best = container.streams.best("video")
    return next((each for each in films if each is best and each.codec_context), films[0])


def _decoded(container: InputContainer, stream: VideoStream, index: Index, name: str, needed: int, plan: Plan) -> Video:
    """Decodes in order of time. A wanted time is answered once the frame after it is known."""
    from av.video.reformatter import VideoReformatter

    wanted_s = np.unique(plan(index.duration_s))
    frames = _Frames(container, stream, index)
    reformatter = VideoReformatter()
    kept: list[Pixels] = []
    times_s: list[float] = []
    shape = _pixel_shape(stream)
    told: set[str] = set()

    def keep(frame: VideoFrame, time_s: float) -> None:
        pixels = _pixels(frame, needed, reformatter, shape)
        told.update(_oddities(frame))
        if kept and pixels.shape != kept[0].shape:
            raise InputError(f"{name} changes its size on the way", fix="cut it where it does, or convert it")
        kept.append(pixels)
        times_s.append(time_s)

    shown, at = None, 0
    for frame, time_s in frames:
        if shown is not None and wanted_s[at] < time_s:
            keep(*shown)
            at = int(np.searchsorted(wanted_s, time_s))
            if at == len(wanted_s):
                break
        shown = frame, time_s
        frames.skip_towards(wanted_s[at])
    else:
        if shown is None:
            raise InputError(
                f"{name} holds no frame that can be decoded{frames.said}", fix="check that the file is whole"
            )
        keep(*shown)
    if frames.num_lost:
        left_out(name, f"frames that cannot be decoded: {frames.num_lost} of {index.num_packets}")
    for oddity in sorted(told):
        reinterpreted(name, oddity)
    # a damaged file may end before its packets do
    return Video(np.stack(kept), np.array(times_s), max(index.duration_s, times_s[-1]))


class _Frames:
    """Frames and their seconds from the start, in order of time; what cannot be decoded is left out.

    Attributes:
        said: What the decoder said last of what it could not decode, for a message.
        num_lost: How many packets that was.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, index: Index) -> None:
        self._container = container
        self._stream = stream
        self._index = index
        self._keys_s = np.array([time_s for _, time_s in index.keys])
        self._now_s = -math.inf
        self._tried = -1
        self.said = ""
        self.num_lost = 0

    def __iter__(self) -> Iterator[tuple[VideoFrame, float]]:
        from av.error import FFmpegError

        for packet in packets(self._container, self._stream):
            try:
                frames = packet.decode()
            except FFmpegError as error:
                self.said = f" ({error.strerror or type(error).__name__})"
                self.num_lost += 1
                continue
            for frame in frames:
                yield frame, self._time_of(frame)

    def _time_of(self, frame: VideoFrame) -> float:
        """As the file says, and never earlier than the frame before it."""
        if frame.pts is not None and self._index.has_times:
            time_s = max(frame.time - self._index.start_s, self._now_s)
        else:
            time_s = max(self._now_s + self._index.frame_s, 0.0)
        self._now_s = time_s
        return time_s

    def skip_towards(self, wanted_s: float) -> None:
        """Go on at the last key frame before a time, where that is much later than now."""
        from av.error import FFmpegError

        if not len(self._keys_s):
            return
        key = int(np.searchsorted(self._keys_s, wanted_s, side="right")) - 1
        if key <= self._tried or self._keys_s[key] - self._now_s < _SKIP_S:
            return
        self._tried = key
        try:
            self._container.seek(self._index.keys[key][0], stream=self._stream)
        except FFmpegError:  # a container without seeking is decoded on
            return


_HDR = (16, 18)  # ITU-T H.273: PQ, HLG


def _oddities(frame: VideoFrame) -> list[str]:
    """What a frame is shown otherwise than it was meant."""
    oddities = {
        "damaged frames are shown as far as they can be decoded": frame.is_corrupt,
        "interlaced frames are shown whole, both fields together": frame.interlaced_frame,
        "the brightness of HDR is not mapped to that of a usual screen": frame.color_trc in _HDR,
    }
    return [what for what, is_so in oddities.items() if is_so]


def _pixel_shape(stream: VideoStream) -> float:
    """Width of a pixel in parts of its height; 1 where the file does not say it, or nothing sensible."""
    ratio = float(stream.sample_aspect_ratio or 1)
    return ratio if 1 / 4 <= ratio <= 4 else 1.0


def _pixels(frame: VideoFrame, needed: int, reformatter: VideoReformatter, shape: float) -> Pixels:
    """(H, W, 3) a decoded frame of any format, with square pixels, reduced and upright."""
    width, height = reduced_size(
        max(1, round(frame.width * min(1, shape))), max(1, round(frame.height / max(1, shape))), needed
    )
    picture = reformatter.reformat(frame, width, height, "rgb24", interpolation="AREA", threads=1)
    matrix = frame.side_data.get("DISPLAYMATRIX")
    return upright(
        np.asarray(picture.to_ndarray(), np.uint8), None if matrix is None else bytes(cast("Buffer", matrix))
    )


def reduced_size(width: int, height: int, needed: int) -> tuple[int, int]:
    """Width and height that a frame of some size is kept at: never larger than it is."""
    target = needed * _REDUCED
    scale = min(1.0, target / min(width, height), math.sqrt(_LONGEST_STRIP * target**2 / (width * height)))
    return max(1, round(width * scale)), max(1, round(height * scale))


def upright(pixels: Pixels, matrix: bytes | None) -> Pixels:
    """A frame turned and mirrored as its display matrix says; matrices that do neither are ignored.

    Args:
        matrix: Nine 32-bit integers, of which the first two columns of the first two rows, a b / c d, put the pixel
            (x, y) at (a x + c y, b x + d y). Source: ISO/IEC 14496-12, section 6.2.2; FFmpeg, libavutil/display.h.
    """
    if matrix is None:
        return pixels
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
    if abs(b) > abs(a):
        pixels, a, d = pixels.transpose(1, 0, 2), c, b
    return np.ascontiguousarray(pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])
