"""The packets of a video, counted without decoding them: what headers say of length and frame count is often wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mt_core.errors import InputError
from mt_core.sdk import left_out, reinterpreted

if TYPE_CHECKING:
    from av import Packet, VideoStream
    from av.container import InputContainer

MAX_HOURS = 4
MAX_FRAMES = MAX_HOURS * 3600 * 60

_USUAL_RATE_HZ = 25.0

_FEW_FRAMES = 4

_LOST_TOLD = 0.02
"""Headers are often wrong by a frame or two."""


@dataclass(frozen=True)
class Index:
    """What counting the packets gave.

    Attributes:
        start_s, duration_s: On the file's own clock; the length includes the last frame.
        frame_s: How long a frame is usually shown.
        keys: (pts, seconds from the start) of the key frames, increasing.
        num_packets: As many frames are to be expected.
        has_times: False where the file's time stamps say nothing.
    """

    start_s: float
    duration_s: float
    frame_s: float
    keys: list[tuple[int, float]]
    num_packets: int
    has_times: bool = True


def packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """The packets up to the end of the file, or to where it is damaged; the last, empty, flushes the decoder."""
    from av.error import FFmpegError

    demuxed = container.demux(stream)
    while True:
        try:
            yield next(demuxed)
        except (StopIteration, FFmpegError):
            return


def count_packets(container: InputContainer, stream: VideoStream, name: str) -> Index:
    """Goes over the packets without decoding them."""
    base = float(stream.time_base or 0) or 1e-3
    rate = float(stream.average_rate or stream.guessed_rate or 0) or _USUAL_RATE_HZ
    seen = 0
    stamps: list[int] = []
    keys: list[int] = []
    last = (-math.inf, 0)
    for number, packet in enumerate(packets(container, stream)):
        if number > MAX_FRAMES:
            raise _too_long(name, f"more than {MAX_FRAMES:,} frames")
        stamp = packet.pts if packet.pts is not None else packet.dts
        seen += packet.pts is not None or packet.dts is not None or packet.size > 0  # not the empty one at the end
        if packet.size == 0 or packet.is_discard:
            continue
        stamp = round(number / rate / base) if stamp is None else stamp
        last = max(last, (stamp, packet.duration or 0))
        stamps.append(stamp)
        if packet.is_keyframe:
            keys.append(stamp)
    if not stamps:
        raise InputError(f"{name} holds no frame", fix="check that the file is whole")
    if len(stamps) > _FEW_FRAMES and len(set(stamps)) * 2 < len(stamps):
        reinterpreted(name, "its time stamps stand still: its frames are taken as evenly spaced")
        return Index(0.0, len(stamps) / rate, 1 / rate, [], len(stamps), has_times=False)
    start, end = min(stamps), max(stamps)
    usual_s = (end - start) * base / (len(stamps) - 1) if len(stamps) > 1 else 1 / rate
    usual_s = usual_s or 1 / rate
    duration_s = (end - start) * base + (last[1] * base or usual_s)
    if duration_s > MAX_HOURS * 3600:
        raise _too_long(name, f"{duration_s / 3600:,.1f} hours long")
    _tell_of_cut(container, stream, seen, max(duration_s, start * base + duration_s), name)
    return Index(start * base, duration_s, usual_s, [(key, (key - start) * base) for key in sorted(keys)], len(stamps))


def _too_long(name: str, how: str) -> InputError:
    return InputError(f"{name} is {how}, and {MAX_HOURS} hours are read", fix="cut it into parts, one sample each")


def _tell_of_cut(container: InputContainer, stream: VideoStream, found: int, end_s: float, name: str) -> None:
    """Where the header counts its frames, or tells the length of this one stream, and less of it is there."""
    promised_s = container.duration / 1e6 if container.duration and len(container.streams) == 1 else 0.0
    if stream.frames - found > stream.frames * _LOST_TOLD:
        left_out(name, f"{stream.frames - found} of its {stream.frames} frames: the file is cut off or damaged")
    elif not stream.frames and promised_s - end_s > max(2 * end_s / found, promised_s * _LOST_TOLD):
        left_out(name, f"{promised_s - end_s:.1f} of its {promised_s:.1f} s: the file is cut off or damaged")
