"""Recordings as other people's devices and programs write them; the oracle is soundfile, or what was written."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io.wavfile
import soundfile
from numpy.typing import NDArray

from mt_core.errors import DataWarning, InputError
from mt_plugin_audio.reading import read_recording

foreign_file = pytest.mark.foreign_file

RATE = 16_000
TONE = (0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)
PCM = (TONE * 32767).astype("<i2")
SOUND = PCM / np.float32(32768)


def read(source: bytes | Path, max_seconds: float = 30) -> NDArray[np.float32]:
    return read_recording(source, max_seconds).samples


def encoded(samples: Any, format: str, subtype: str | None = None, rate: int = RATE, **settings: Any) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=format, subtype=subtype, **settings)
    return buffer.getvalue()


def chunk(name: bytes, content: bytes, length: int | None = None, fill: bool = True) -> bytes:
    filled = content + b"\0" * (len(content) % 2 * fill)
    return name + struct.pack("<I", len(content) if length is None else length) + filled


def form(tag: int = 1, bits: int = 16, more: bytes = b"") -> bytes:
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, 1, RATE, RATE * bits // 8, bits // 8, bits) + more)


def riff(*chunks: bytes, length: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if length is None else length) + body


DATA = chunk(b"data", PCM.tobytes())
TAG = b"ID3\x03\0\0\0\0\0\x14" + b"\0" * 20
EIGHT_BITS = (128 + TONE[:-1] * 127).astype(np.uint8)

# WAV


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(riff(form(), chunk(b"data", PCM.tobytes(), 0), length=0), True,
                     marks=foreign_file("WAV with lengths of 0", "recorders that were cut off", "read, told")),
        pytest.param(riff(form(), chunk(b"data", PCM.tobytes(), 0)), True,
                     marks=foreign_file("WAV whose data have a length of 0", "Python's wave, killed", "read, told")),
        pytest.param(riff(form(), chunk(b"LIST", b"INFOISFT\x0e\0\0\0Lavf58.29.100\0"),
                          chunk(b"data", PCM.tobytes(), 0xFFFFFFFF), length=0xFFFFFFFF), False,
                     marks=foreign_file("WAV of unknown length", "ffmpeg into a pipe", "read")),
        pytest.param(riff(form(), chunk(b"data", PCM.tobytes(), 0x7FFFF000)), False,
                     marks=foreign_file("WAV with a length of 2 GB", "sox into a pipe", "read")),
        pytest.param(riff(form(), chunk(b"LIST", b"INFOx"), DATA), False,
                     marks=foreign_file("an odd chunk before the data, filled up", "Audacity", "read")),
        pytest.param(riff(form(), chunk(b"LIST", b"INFOx", fill=False), DATA), False,
                     marks=foreign_file("an odd chunk before the data, not filled up", "old recorders", "read")),
        pytest.param(riff(chunk(b"JUNK", bytes(28)), chunk(b"bext", bytes(602)), form(), DATA), False,
                     marks=foreign_file("JUNK and bext before the format", "field recorders (BWF)", "read")),
        pytest.param(riff(form(), DATA, chunk(b"id3 ", b"ID3\x03" + b"a" * 31)), False,
                     marks=foreign_file("tags behind the data", "taggers", "read")),
        pytest.param(riff(form(), DATA) + b"garbage!" * 10, False,
                     marks=foreign_file("bytes behind the end", "downloads", "read")),
        pytest.param(TAG + riff(form(), DATA), False,
                     marks=foreign_file("an ID3 tag in front", "taggers that take it for MP3", "read")),
        pytest.param(riff(form(more=b"\0\0"), DATA), False,
                     marks=foreign_file("a format of 18 bytes", "Windows", "read")),
    ],
)  # fmt: skip
def test_wav_as_recorders_leave_it(content: bytes, told: bool) -> None:
    if told:
        with pytest.warns(DataWarning, match="a length of 0 in the header"):
            assert np.array_equal(read(content), SOUND)
    else:
        assert np.array_equal(read(content), SOUND)


@foreign_file("a header that counts half of the data", "recorders that write it now and then", "read, told: the half")
def test_what_a_header_does_not_count_is_told() -> None:
    content = riff(form(), chunk(b"data", PCM.tobytes(), len(PCM)))
    with pytest.warns(DataWarning, match="left out: 16,000 bytes behind the sound that the header counts"):
        assert np.array_equal(read(content), SOUND[: RATE // 2])


@pytest.mark.parametrize("length", [0, 2**64 - 1])
@foreign_file("RF64 of unknown length", "recorders that were cut off, streams", "read")
def test_rf64_of_unknown_length_is_read_to_its_end(length: int) -> None:
    lengths = chunk(b"ds64", struct.pack("<QQQI", length, length, length, 0))
    content = b"RF64\xff\xff\xff\xffWAVE" + lengths + form() + chunk(b"data", PCM.tobytes(), 0xFFFFFFFF)
    assert np.array_equal(read(content), SOUND)


@foreign_file("8 bits without a sign, an odd number of them", "telephony, old games", "read")
def test_eight_bits_have_no_sign() -> None:
    content = riff(form(bits=8), chunk(b"data", EIGHT_BITS.tobytes()), chunk(b"LIST", b"INFO"))
    rate, oracle = scipy.io.wavfile.read(io.BytesIO(content))
    assert rate == RATE and np.array_equal(read(content), (oracle.astype(np.float32) - 128) / 128)


@pytest.mark.parametrize(
    ("format", "subtype", "settings"),
    [
        pytest.param("WAV", "PCM_24", {}, marks=foreign_file("24 bits", "field recorders", "read")),
        pytest.param("WAV", "FLOAT", {}, marks=foreign_file("32-bit floats", "Audacity, DAWs", "read")),
        pytest.param("WAV", "DOUBLE", {}, marks=foreign_file("64-bit floats", "scipy, MATLAB", "read")),
        pytest.param("WAV", "ALAW", {}, marks=foreign_file("A-law", "telephony", "read")),
        pytest.param("WAV", "IMA_ADPCM", {}, marks=foreign_file("ADPCM", "toys, voice mail", "read")),
        pytest.param("WAV", "PCM_16", {"endian": "BIG"}, marks=foreign_file("RIFX", "big-endian recorders", "read")),
        pytest.param("RF64", "PCM_16", {}, marks=foreign_file("RF64", "recorders beyond 4 GB", "read")),
        pytest.param("W64", "PCM_16", {}, marks=foreign_file("W64", "Sound Forge", "read")),
        pytest.param("AIFF", "PCM_16", {"endian": "LITTLE"}, marks=foreign_file("AIFF-C, sowt", "macOS", "read")),
        pytest.param("CAF", "ALAC_16", {}, marks=foreign_file("CAF with ALAC", "iOS", "read")),
        pytest.param("AU", "ULAW", {}, marks=foreign_file("AU, µ-law", "Unix, old corpora", "read")),
        pytest.param("NIST", "PCM_16", {}, marks=foreign_file("SPHERE named .WAV", "TIMIT", "read")),
    ],
)  # fmt: skip
def test_encodings_are_read_as_soundfile_reads_them(
    tmp_path: Path, format: str, subtype: str, settings: dict[str, Any]
) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(encoded(TONE, format, subtype, **settings))
    oracle, _ = soundfile.read(path, dtype="float32")
    assert np.array_equal(read(path), oracle) and np.abs(oracle[: len(TONE)] - TONE).max() < 0.3


@pytest.mark.parametrize("format", ["W64", "AU", "CAF", "NIST"])
@foreign_file("half of a file", "downloads", "refused: how many bytes are missing")
def test_half_of_a_file_is_refused(format: str) -> None:
    content = encoded(TONE, format, "PCM_16")
    with pytest.raises(InputError, match="is cut off: at least"):
        read(content[: len(content) // 2])


# Ogg, MP3 and FLAC


@foreign_file("Ogg of several streams, joined", "radio stations, cat", "read: all")
@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_all_links_of_a_chained_ogg_are_read(subtype: str) -> None:
    one, other = encoded(TONE, "OGG", subtype), encoded(TONE[::-1].copy(), "OGG", subtype)
    assert np.array_equal(read(one + other), np.concatenate([read(one), read(other)]))
    assert np.array_equal(read(one + b"junk" * 50 + other), read(one + other))
    with pytest.warns(DataWarning, match=r"left out: what comes after the first 1\.5 s"):
        assert np.array_equal(read(one + other, 1.5), np.concatenate([read(one), read(other)[: RATE // 2]]))


@foreign_file("Ogg of several streams of other rates", "radio stations", "read: at one rate")
def test_links_of_other_rates_are_brought_to_one() -> None:
    half = encoded(TONE[: RATE // 2], "OGG", rate=RATE // 2)
    samples = read(encoded(TONE, "OGG") + half)
    assert len(samples) == 2 * RATE
    spectrum = np.abs(np.fft.rfft(samples[RATE:] * np.hanning(RATE)))
    assert spectrum.argmax() == 220, "half the rate is half the pitch"


@foreign_file("MP3 without a tag, whatever it is called", "web players", "read")
def test_mp3_is_known_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "sound.mp3").write_bytes(encoded(TONE, "MP3"))
    oracle, _ = soundfile.read(tmp_path / "sound.mp3", dtype="float32")
    (tmp_path / "sound.mp3").rename(tmp_path / "sound.wav")
    assert len(oracle) == RATE and np.allclose(read(tmp_path / "sound.wav"), oracle, atol=1e-4)


@foreign_file("a picture in the tag, another tag at the end", "music collections", "read: as long as it was")
def test_tags_of_an_mp3_are_no_sound() -> None:
    plain = encoded(TONE, "MP3")
    picture = b"ID3\x03\0\0\0\0\x10\0" + b"\xff\xfb\x90\x64" * 512
    assert np.array_equal(read(picture + plain + b"TAG" + bytes(125)), read(plain))


@foreign_file("MP3 of several files, joined", "podcasts, cat", "read: all")
def test_joined_mp3_are_read_to_the_end() -> None:
    one, other = encoded(TONE, "MP3"), encoded(TONE[::-1].copy(), "MP3")
    assert np.array_equal(read(one + TAG + other), np.concatenate([read(one), read(other)]))


def flac(promised: int) -> bytes:
    """Its last 36 bits of 8 bytes at 18 count the samples."""
    content = bytearray(encoded(TONE, "FLAC", "PCM_16"))
    content[21] &= 0xF0
    content[22:26] = struct.pack(">I", promised)
    return bytes(content)


@foreign_file("FLAC that counts 0 samples", "encoders into a pipe", "read")
def test_flac_of_unknown_length_is_read_to_its_end() -> None:
    assert np.array_equal(read(flac(0)), read(encoded(TONE, "FLAC", "PCM_16")))


@foreign_file("FLAC that counts too few samples", "encoders that were cut off, editors", "read, told: all")
def test_flac_is_read_to_its_end_whatever_it_counts() -> None:
    with pytest.warns(DataWarning, match="a header that counts 8,000 samples, where more are there"):
        assert len(read(flac(8000))) == RATE


@foreign_file("FLAC that counts too many samples", "downloads", "refused: how many are there")
def test_flac_that_promises_more_is_refused() -> None:
    with pytest.raises(InputError, match="promises 32,000 samples, and 16,000 are there"):
        read(flac(32_000))


# channels, loudness, duration


@foreign_file("5.1 channels", "films", "read: their mean")
def test_six_channels_are_averaged() -> None:
    channels = np.stack([TONE * part / 10 for part in range(6)], axis=1)
    assert np.allclose(read(encoded(channels, "WAV", "FLOAT")), channels.mean(1), atol=1e-6)


@foreign_file("one channel upside down", "miswired microphones", "read, told: the first channel")
def test_channels_that_cancel_each_other_are_told() -> None:
    with pytest.warns(DataWarning, match="channels that cancel each other: the first is read alone"):
        assert np.allclose(read(encoded(np.stack([TONE, -TONE], axis=1), "WAV", "FLOAT")), TONE)


@foreign_file("one channel silent", "interviews", "read: half as loud")
def test_silent_channel_counts() -> None:
    assert np.allclose(read(encoded(np.stack([TONE, 0 * TONE], axis=1), "WAV", "FLOAT")), TONE / 2)


@foreign_file("floats of ±32768", "int16 converted without a division", "read, told: 16 bits")
def test_floats_far_beyond_full_scale_are_integers() -> None:
    with pytest.warns(DataWarning, match="floats far beyond 1 taken for integers of 16 bits"):
        assert np.allclose(read(encoded(PCM.astype(np.float32), "WAV", "FLOAT")), SOUND)


@foreign_file("digital silence", "muted microphones", "read")
def test_silence_is_read() -> None:
    assert np.array_equal(read(encoded(0 * TONE, "WAV")), 0 * TONE)


@foreign_file("an hour", "field recordings", "read, told: its beginning")
def test_what_is_cut_off_is_told_for_each_file() -> None:
    with pytest.warns(DataWarning, match=r"left out: what comes after the first 2 s \(option max_seconds\)"):
        assert len(read(encoded(np.tile(TONE, 5), "WAV"), 2)) == 2 * RATE


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(b"\0\0\0\x20ftypM4A " + bytes(99), "an MPEG-4 file",
                     marks=foreign_file("M4A", "iPhone, voice memos", "refused: says what it is")),
        pytest.param(b"\x1aE\xdf\xa3" + bytes(99), "a Matroska or WebM file",
                     marks=foreign_file("WebM", "browsers", "refused: says what it is")),
        pytest.param(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(99), "an AppleDouble file",
                     marks=foreign_file("._sound.wav", "macOS on other disks", "refused: says what it is")),
        pytest.param(b"<!DOCTYPE html><html>Not found</html>", "a web page",
                     marks=foreign_file("a web page named .wav", "downloads", "refused: says what it is")),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n", "a pointer of Git LFS",
                     marks=foreign_file("a pointer of Git LFS", "cloned data sets", "refused: says what it is")),
        pytest.param(PCM.tobytes(), "in no format that is known",
                     marks=foreign_file("samples without a header", ".raw, .pcm", "refused")),
    ],
)  # fmt: skip
def test_what_is_no_recording_is_named(content: bytes, kind: str) -> None:
    with pytest.raises(InputError, match=kind) as refused:
        read(content)
    assert refused.value.fix
