"""Files of sound to one channel, in bounded memory. Imports soundfile, so import it late.  T samples, C channels."""

from __future__ import annotations

import contextlib
from typing import BinaryIO

import numpy as np
import soundfile  # type: ignore[import-untyped,unused-ignore]

from mt_core.errors import InputError
from mt_core.sdk import silent_stderr
from mt_plugin_audio.truncation import bytes_missing
from mt_plugin_audio.waveform import Samples

FORMATS = frozenset({"WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "AIFF"})
"""libsndfile's names of what is read; it knows others, that are no recordings (MAT5) or older than their users."""

MAX_CHANNELS = 64
MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 768_000

_BLOCK = 2**16  # samples of a channel at a time
_UNKNOWN = 2**62  # a FLAC written to a pipe has so many samples or more
_SLACK = {"MP3": 2 * 1152}  # encoders miscount by a frame or two


class _Seekable:
    """A file whose `seek` never raises: libsndfile goes where a damaged header says, also before the beginning."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.read, self.tell = file.read, file.tell

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return self._file.tell()


class _Sound(soundfile.SoundFile):  # type: ignore[misc,unused-ignore]  # soundfile has no types
    def seekable(self) -> bool:
        """soundfile seeks after each block, which a FLAC of unknown length does not survive."""
        return False


def decode(file: BinaryIO, name: str, max_seconds: float) -> tuple[Samples, int, float]:
    """The beginning of a recording, its channels averaged.

    Args:
        file: Open for reading, at its beginning.
        name: How it is called in messages.
        max_seconds: Not more is decoded; what an MP3 or FLAC holds behind is not checked.

    Returns:
        (T,) samples, their rate in Hz, and the seconds that the whole recording has (NaN where its header does not
        say).

    Raises:
        InputError: no recording, damaged, cut off, or out of limits.
    """
    if missing := bytes_missing(file):
        raise _cut_off(name, f"at least {missing:,} bytes are missing")
    file.seek(0)
    is_loud = file.read(3) == b"ID3" or _is_mpeg(file)
    file.seek(0)
    with silent_stderr() if is_loud else contextlib.nullcontext():
        try:
            with _Sound(_Seekable(file)) as sound:
                return _decode(sound, name, max_seconds)
        except soundfile.LibsndfileError as error:
            raise InputError(
                f"{name} is no recording that can be read ({error.error_string.removeprefix('Error : ').rstrip('.')})",
                fix="check that the file is whole and holds WAV, FLAC, Ogg, MP3 or AIFF, whatever its name says",
            ) from None


def check_rate(rate_hz: float, name: str) -> None:
    """Refuse rates that no recording of sound has.

    Raises:
        InputError: with the limits.
    """
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise InputError(
            f"{name} has a rate of {rate_hz:g} Hz; sound has {MIN_RATE_HZ:,} to {MAX_RATE_HZ:,}",
            fix="check where the rate comes from: it is the number of samples a second",
        )


def _decode(sound: _Sound, name: str, max_seconds: float) -> tuple[Samples, int, float]:
    promised, rate, channels = int(sound.frames), int(sound.samplerate), int(sound.channels)
    if sound.format not in FORMATS:
        raise InputError(f"{name} is a {sound.format} file, which is not read here", fix="save it as WAV or FLAC")
    check_rate(rate, name)
    if channels > MAX_CHANNELS:
        raise InputError(
            f"{name} has {channels} channels, more than {MAX_CHANNELS}", fix="save the channels that matter"
        )
    wanted = min(promised, int(np.ceil(max_seconds * rate)))
    blocks: list[Samples] = []
    left = wanted
    while left > 0:
        block_TC = sound.read(min(left, _BLOCK), dtype="float32", always_2d=True)
        if not len(block_TC):
            break
        with np.errstate(over="ignore", invalid="ignore"):  # the caller tells of what is not finite
            blocks.append(block_TC.mean(1, dtype=np.float32))
        left -= len(block_TC)
    if promised < _UNKNOWN and left > _SLACK.get(sound.format, 0):
        raise _cut_off(name, f"its header promises {promised:,} samples, and {wanted - left:,} are there")
    seconds = promised / rate if promised < _UNKNOWN else float("nan")
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32), rate, seconds


def _cut_off(name: str, because: str) -> InputError:
    return InputError(f"{name} is cut off: {because}", fix="copy or download the file again")


def _is_mpeg(file: BinaryIO) -> bool:
    """Whether it begins with the sync of an MPEG frame."""
    file.seek(0)
    first = file.read(2)
    return len(first) == 2 and first[0] == 0xFF and first[1] & 0xE0 == 0xE0
