"""Files of sound to one channel, in bounded memory. Imports soundfile, so import it late.  T samples, C channels."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile  # type: ignore[import-untyped,unused-ignore]
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import left_out, reinterpreted, silent_stderr
from mt_plugin_audio.containers import behind_id3, recordings_in, what_it_is
from mt_plugin_audio.stitched import Stitched
from mt_plugin_audio.truncation import bytes_missing
from mt_plugin_audio.waveform import Samples

FORMATS = frozenset({"WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "NIST"})
"""libsndfile's names of what is read; it knows others, that are no recordings (MAT5) or older than their users."""

MAX_CHANNELS = 64
MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 768_000

_BLOCK = 2**16  # samples of a channel at a time
_UNKNOWN = 2**62  # a FLAC written to a pipe has so many samples or more
_LEAST_REST = 1000  # bytes; tags of unknown programs are smaller
_CANCELLED = 1e-4  # of the first channel's energy
_SLACK = {"MP3": 2 * 1152}  # encoders miscount by a frame or two
_SOUGHT = re.compile(r"PCM_.*|ULAW|ALAW|MPEG_LAYER_.*|VORBIS")
"""Encodings in which libsndfile goes to a sample and then gives the same as from the beginning on; Opus fails there."""


class _Sound(soundfile.SoundFile):  # type: ignore[misc,unused-ignore]  # soundfile has no types
    def seekable(self) -> bool:
        """soundfile seeks after each block, which a FLAC of unknown length does not survive."""
        return False


def decode(file: BinaryIO, name: str, max_seconds: float, start_s: int = 0) -> tuple[Samples, int, float]:
    """A recording, its channels averaged; of recordings joined in one file, one after the other.

    Args:
        file: Open for reading, at its beginning.
        name: How it is called in messages.
        max_seconds: Where decoding ends; what an MP3 or FLAC holds behind is not checked.
        start_s: Where it begins, in whole seconds; what lies before is passed over where the encoding allows it.

    Returns:
        (T,) samples, their rate in Hz, and the seconds that the whole recording has (NaN where its header does not
        say).

    Warns:
        DataWarning: a header that was corrected, channels that cancel each other.

    Raises:
        InputError: no recording, damaged, cut off, or out of limits.
    """
    size = file.seek(0, os.SEEK_END)
    if missing := bytes_missing(Stitched(file, [(behind_id3(file), size)])) or bytes_missing(
        Stitched(file, [(0, size)])
    ):
        raise _cut_off(name, f"at least {missing:,} bytes are missing")
    found = recordings_in(file)
    is_loud = isinstance(found.parts[0][0], bytes) or _at_start(file, 3) == b"ID3"
    pieces: list[Samples] = []
    first_rate, seconds, decoded = 0, 0.0, 0.0
    is_alone = len(found.parts) == 1
    for parts in found.parts:
        with silent_stderr() if is_loud else contextlib.nullcontext():
            try:
                with _Sound(Stitched(file, parts)) as sound:
                    most = max(0.0, max_seconds - decoded)
                    samples, rate, whole = _decode(sound, name, most, found.promised, start_s if is_alone else 0)
            except soundfile.LibsndfileError as error:
                raise _unreadable(file, name, error) from None
        first_rate = first_rate or rate
        seconds, decoded = seconds + whole, decoded + len(samples) / rate
        pieces.append(samples if rate == first_rate else _resampled(samples, rate, first_rate))
    if found.note:
        reinterpreted(name, found.note)
    if found.rest > max(_LEAST_REST, sum(map(len, pieces)) // 50):
        left_out(name, f"{found.rest:,} bytes behind the sound that the header counts")
    if is_alone:
        return pieces[0], first_rate, seconds
    return np.concatenate(pieces)[start_s * first_rate :], first_rate, seconds


def header_of(path: str | Path) -> dict[str, Any]:
    """What the header of a recording says, for `Tokenizer.file_facts`."""
    with silent_stderr():
        found = soundfile.info(str(path))
    facts = {"format": found.format, "encoding": found.subtype, "rate_hz": found.samplerate, "channels": found.channels}
    return {**facts, "duration_s": found.duration} if found.frames < _UNKNOWN else facts


def holds_floats(path: str | Path) -> bool:
    """Whether samples of a file may be of any size, as floats are; also where libsndfile alone does not know."""
    try:
        return soundfile.info(str(path)).subtype in ("FLOAT", "DOUBLE")
    except soundfile.LibsndfileError:
        return True


def seconds_of(path: Path) -> float:
    """How long a recording is, by its header where that says it.

    Raises:
        InputError: as `decode`.
    """
    try:
        header = soundfile.info(str(path))
        if header.format in FORMATS and 0 < header.frames < _UNKNOWN:
            return float(header.frames / header.samplerate)
    except soundfile.LibsndfileError:
        pass
    with path.open("rb") as file:
        samples, rate, _ = decode(file, str(path), 24 * 3600.0)
    return len(samples) / rate


def _unreadable(file: BinaryIO, name: str, error: soundfile.LibsndfileError) -> InputError:
    if kind := what_it_is(file):
        return InputError(
            f"{name} is no recording that can be read: it is {kind}",
            fix="save it as WAV or FLAC, for instance by ffmpeg -i old new.wav",
        )
    because = error.error_string.removeprefix("Error : ").rstrip(".")
    # the last are of a format that is tried where no other fits
    if re.search("not recogni|resource fork|(data|map) (offset|length)", because):
        because = "in no format that is known"
    return InputError(
        f"{name} is no recording that can be read ({because})",
        fix="check that the file is whole and holds WAV, FLAC, Ogg, MP3 or AIFF, whatever its name says",
    )


def _resampled(samples: Samples, rate_hz: int, wanted_hz: int) -> Samples:
    import soxr  # type: ignore[import-untyped,unused-ignore]

    resampled: Samples = soxr.resample(samples, rate_hz, wanted_hz)
    return resampled


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


def _decode(
    sound: _Sound, name: str, max_seconds: float, stated: int | None, start_s: int
) -> tuple[Samples, int, float]:
    """Args: stated: The samples that the header counts, where it was changed not to."""
    promised, rate, channels = int(sound.frames), int(sound.samplerate), int(sound.channels)
    if stated is not None:
        promised = stated or _UNKNOWN
    if sound.format not in FORMATS:
        raise InputError(f"{name} is a {sound.format} file, which is not read here", fix="save it as WAV or FLAC")
    check_rate(rate, name)
    if channels > MAX_CHANNELS:
        raise InputError(
            f"{name} has {channels} channels, more than {MAX_CHANNELS}", fix="save the channels that matter"
        )
    most = int(np.ceil(max_seconds * rate))
    blocks: list[NDArray[np.float32]] = []
    left = most - _pass_over(sound, min(start_s * rate, promised))
    while left > 0:
        block_TC = sound.read(min(left, _BLOCK), dtype="float32", always_2d=True)
        if not len(block_TC):
            break
        blocks.append(_mixed(block_TC))
        left -= len(block_TC)
    there, wanted = most - left, min(promised, most)
    if promised < _UNKNOWN and wanted - there > _SLACK.get(sound.format, 0):
        raise _cut_off(name, f"its header promises {promised:,} samples, and {there:,} are there")
    if promised < there:
        reinterpreted(name, f"a header that counts {promised:,} samples, where more are there: all are read")
    seconds = promised / rate if promised < _UNKNOWN else float("nan")
    if not blocks:
        return np.zeros(0, np.float32), rate, seconds
    mixed_T2 = np.concatenate(blocks)
    if _cancel(mixed_T2):
        reinterpreted(name, "channels that cancel each other: the first is read alone")
        return np.ascontiguousarray(mixed_T2[:, 1]), rate, seconds
    return np.ascontiguousarray(mixed_T2[:, 0]), rate, seconds


def _pass_over(sound: _Sound, count: int) -> int:
    """So many samples of each channel; fewer where the recording ends before. Returns how many."""
    if count and _SOUGHT.fullmatch(sound.subtype):
        return int(sound.seek(count))
    passed = 0
    while passed < count and (read := len(sound.read(min(count - passed, _BLOCK), dtype="float32", always_2d=True))):
        passed += read
    return passed


def _mixed(block_TC: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T, 2) the mean of the channels and the first; (T, 1) of a single one."""
    if block_TC.shape[1] == 1:
        return block_TC
    with np.errstate(over="ignore", invalid="ignore"):  # the caller tells of what is not finite
        return np.stack([block_TC.mean(1, dtype=np.float32), block_TC[:, 0]], axis=1)


def _cancel(mixed_T2: NDArray[np.float32]) -> bool:
    """Whether next to nothing is left of the channels in their mean: one is the other upside down."""
    if mixed_T2.shape[1] == 1:
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        mean, first = np.square(mixed_T2, dtype=np.float64).mean(0)
    return bool(mean < _CANCELLED * first)


def _cut_off(name: str, because: str) -> InputError:
    return InputError(f"{name} is cut off: {because}", fix="copy or download the file again")


def _at_start(file: BinaryIO, count: int) -> bytes:
    file.seek(0)
    return file.read(count)
