"""Every recording is read as it sounds, and every bad file is refused in our own words."""

from __future__ import annotations

import io
import os
import pickle
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from mt_core.errors import DataWarning, InputError
from mt_plugin_audio.reading import SUFFIXES, read_recording
from mt_plugin_audio.tokenizer import AudioTokenizer
from mt_plugin_audio.waveform import RATE_HZ, Waveform


def read(source: Any, max_seconds: float = 30) -> np.ndarray[Any, Any]:
    waveform = read_recording(source, max_seconds)
    assert waveform.samples.dtype == np.float32 and waveform.samples.ndim == 1
    return waveform.samples


def tone(rate_hz: int, seconds: float = 0.5, pitch_hz: float = 440) -> np.ndarray[Any, Any]:
    return 0.5 * np.sin(2 * np.pi * pitch_hz * np.arange(int(rate_hz * seconds)) / rate_hz)


def noise(samples: int, channels: int = 1) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (samples, channels))


def saved(
    signal: np.ndarray[Any, Any], rate_hz: int = RATE_HZ, format: str = "WAV", subtype: str | None = None
) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, signal, rate_hz, format=format, subtype=subtype)
    return buffer.getvalue()


def wav(rate_hz: int = RATE_HZ, channels: int = 1, promised: int = 200, samples: int = 100) -> bytes:
    """A 16-bit WAV that says what it is told to say, and holds so many samples."""
    form = struct.pack("<HHIIHH", 1, channels, rate_hz, 2 * rate_hz % 2**32, 2, 16)
    header = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", promised)
    return b"RIFF" + struct.pack("<I", 36 + promised & 0xFFFFFFFF) + header + b"\x00\x10" * samples


def peak_hz(samples: np.ndarray[Any, Any]) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * RATE_HZ / len(samples))


# formats


@pytest.mark.parametrize(
    ("format", "subtype", "tolerance"),
    [
        ("WAV", "PCM_U8", 0.01),
        ("WAV", "PCM_16", 1e-4),
        ("WAV", "PCM_24", 1e-6),
        ("WAV", "PCM_32", 1e-6),
        ("WAV", "FLOAT", 1e-6),
        ("WAV", "ULAW", 0.03),
        ("WAVEX", "PCM_16", 1e-4),
        ("RF64", "PCM_16", 1e-4),
        ("FLAC", "PCM_16", 1e-4),
        ("FLAC", "PCM_24", 1e-6),
        ("AIFF", "PCM_16", 1e-4),
        ("OGG", "VORBIS", 0.1),
        ("OGG", "OPUS", 0.1),
        ("MP3", "MPEG_LAYER_III", 0.1),
    ],
)
def test_every_format_gives_the_sound_that_was_written(
    format: str, subtype: str, tolerance: float, capfd: pytest.CaptureFixture[str]
):
    signal = tone(RATE_HZ)
    samples = read(saved(signal, format=format, subtype=subtype))
    assert len(samples) == len(signal)
    assert np.abs(samples - signal)[1000:-1000].max() < tolerance
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_pitch_and_duration_survive_any_rate(rate_hz: int):
    samples = read(saved(tone(rate_hz, pitch_hz=1000), rate_hz))
    assert len(samples) == pytest.approx(RATE_HZ / 2, abs=1)
    assert peak_hz(samples) == pytest.approx(1000, abs=4)
    assert np.abs(samples[500:-500]).max() == pytest.approx(0.5, abs=0.01)


def test_what_lies_above_8_khz_is_filtered_and_not_mirrored():
    assert np.abs(read((tone(48_000, pitch_hz=12_000), 48_000))[500:-500]).max() < 1e-3


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_channels_are_averaged(channels: int):
    signal = noise(400, channels)
    expected = signal.mean(1)
    assert np.abs(read(saved(signal, subtype="FLOAT")) - expected).max() < 1e-6
    assert np.abs(read((signal, RATE_HZ)) - expected).max() < 1e-6


def test_file_is_read_by_its_content_whatever_its_name(tmp_path: Path):
    (tmp_path / "a.mp3").write_bytes(saved(tone(RATE_HZ), format="FLAC"))
    assert len(read(tmp_path / "a.mp3")) == RATE_HZ // 2


def test_path_string_and_bytes_are_read_alike(tmp_path: Path):
    content = saved(noise(300))
    (tmp_path / "a.wav").write_bytes(content)
    for source in (tmp_path / "a.wav", str(tmp_path / "a.wav"), content):
        assert np.array_equal(read(source), read(content))


# arrays


@pytest.mark.parametrize(
    ("values", "type"),
    [
        ([0.5, -1, 0], np.float32),
        ([0.5, -1, 0], np.float64),
        ([0.5, -1, 0], np.float16),
        ([2**14, -(2**15), 0], np.int16),
        ([2**30, -(2**31), 0], np.int32),
        ([2**6, -(2**7), 0], np.int8),
        ([192, 0, 128], np.uint8),
    ],
)
def test_arrays_of_every_type_have_the_same_full_scale(values: list[float], type: Any):
    array = np.array(values, type)
    for source in ((array, RATE_HZ), (torch.from_numpy(array), RATE_HZ), {"array": array, "sampling_rate": RATE_HZ}):
        assert read(source).tolist() == [0.5, -1, 0]


def test_shorter_axis_of_an_array_is_that_of_its_channels():
    signal = noise(300, 2)
    for source in (signal, signal.T, torch.from_numpy(signal.T.copy())):
        assert np.abs(read((source, RATE_HZ)) - signal.mean(1)).max() < 1e-6
    assert np.array_equal(read((signal[:, 0].astype(np.float32), RATE_HZ)), signal[:, 0].astype(np.float32))


def test_bfloat16_tensor_and_numpy_rate_are_taken():
    assert read((torch.full((8,), 0.5, dtype=torch.bfloat16), np.int64(RATE_HZ))).tolist() == [0.5] * 8


def test_what_was_read_survives_pickling_and_is_read_again_as_it_is():
    once = read_recording((noise(300), 8_000), 30)
    again = pickle.loads(pickle.dumps(once))
    assert isinstance(again, Waveform)
    assert np.array_equal(read(again), once.samples)
    assert read_recording(once, 0.001) is once
    once.samples[7] = np.nan
    with pytest.raises(InputError, match="NaN"):
        read_recording(once, 30)


@pytest.mark.parametrize("samples", [1, 2, 40])
def test_very_short_recordings_are_read(samples: int):
    assert len(read((np.ones(samples), 768_000))) >= 1
    assert len(read((np.ones(samples), 8_000))) >= 1


# long recordings


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3"])
def test_long_recording_is_cut_and_it_is_told(format: str):
    content = saved(tone(8_000, seconds=3), 8_000, format)
    with pytest.warns(DataWarning, match="left out: what comes after the first 1 s"):
        assert len(read(content, max_seconds=1)) == RATE_HZ
    with pytest.warns(DataWarning, match="left out: what comes after the first 1 s"):
        assert len(read((np.zeros(24_000), 8_000), max_seconds=1)) == RATE_HZ


def test_hours_of_recording_cost_what_is_read_of_them(tmp_path: Path):
    num_bytes = 2_000_000_000  # 17 hours; a hole in the file, so that it takes no room
    (tmp_path / "hours.wav").write_bytes(wav(promised=num_bytes, samples=0))
    os.truncate(tmp_path / "hours.wav", 44 + num_bytes)
    with pytest.warns(DataWarning, match="after the first 2 s"):
        assert len(read(tmp_path / "hours.wav", max_seconds=2)) == 2 * RATE_HZ


def test_length_that_a_recorder_could_not_know_is_until_the_end():
    flac = bytearray(saved(noise(5000), format="FLAC"))
    flac[21] &= 0xF0  # the last 36 bits of 8 bytes at 18 count the samples; 0: not known
    flac[22:26] = bytes(4)
    for content, length in ((wav(promised=0xFFFFFFFF), 100), (wav(promised=0x7FFFF024), 100), (bytes(flac), 5000)):
        assert len(read(content)) == length


# bad files

FORMATS = {"wav": "WAV", "rf64": "RF64", "flac": "FLAC", "ogg": "OGG", "mp3": "MP3", "aiff": "AIFF"}


@pytest.mark.parametrize("kept", [0.9, 0.5, 0.1, 0.01])
@pytest.mark.parametrize("kind", [*FORMATS, "opus"])
def test_truncated_file_is_refused(tmp_path: Path, kind: str, kept: float, capfd: pytest.CaptureFixture[str]):
    whole = noise(48_000)
    content = saved(whole, format="OGG", subtype="OPUS") if kind == "opus" else saved(whole, format=FORMATS[kind])
    path = tmp_path / f"cut.{kind}"
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(InputError, match=rf"cut\.{kind}") as caught:
        read(path)
    assert caught.value.fix
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("start", [b"", b"\xff\xfb\x90\x00", b"ID3\4\0\0\0\0\0\0", b"RIFF", b"fLaC", b"OggS", b"FORM"])
@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
def test_random_bytes_are_refused_and_nothing_else_is_said(
    tmp_path: Path, start: bytes, suffix: str, capfd: pytest.CaptureFixture[str]
):
    path = tmp_path / f"noise{suffix}"
    path.write_bytes(start + np.random.default_rng(1).bytes(20_000))
    with pytest.raises(InputError, match=rf"noise\{suffix}"):
        read(path)
    assert capfd.readouterr() == ("", "")


def test_damaged_mp3_is_refused_and_nothing_else_is_said(capfd: pytest.CaptureFixture[str]):
    content = bytearray(saved(noise(48_000), format="MP3"))
    content[len(content) // 2 :] = np.random.default_rng(1).bytes(len(content) - len(content) // 2)
    with pytest.raises(InputError, match=r"cut off|cannot be read|no recording"):
        read(bytes(content))
    assert capfd.readouterr() == ("", "")


def test_header_that_promises_ten_to_the_twelve_samples_is_refused():
    samples = 10**12
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, 2 * samples + 80, 2 * samples, samples, 0)
    form = struct.pack("<HHIIHH", 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    riff = b"RF64\xff\xff\xff\xffWAVE" + ds64 + b"fmt " + struct.pack("<I", 16) + form
    with pytest.raises(InputError, match="cut off"):
        read(riff + b"data\xff\xff\xff\xff" + bytes(200))
    with pytest.raises(InputError, match="cut off"):
        read(wav(promised=2_000_000_000))
    flac = bytearray(saved(noise(5000), format="FLAC"))
    flac[21] |= 0x0F
    flac[22:26] = b"\xff" * 4
    with pytest.raises(InputError):
        read(bytes(flac))


def test_header_that_is_a_few_bytes_off_is_forgiven():
    assert len(read(wav(promised=200 + 44))) == 100


@pytest.mark.parametrize("rate_hz", [0, 1, 999, 768_001, 2**31 - 1])
def test_rates_that_no_sound_has_are_refused(rate_hz: int):
    with pytest.raises(InputError):
        read(wav(rate_hz=rate_hz))
    with pytest.raises(InputError, match="Hz"):
        read((np.zeros(100), rate_hz))


@pytest.mark.parametrize("rate_hz", [float("nan"), float("inf"), -8000])
def test_rates_that_are_none_are_refused(rate_hz: float):
    with pytest.raises(InputError, match="Hz"):
        read((np.zeros(100), rate_hz))


@pytest.mark.parametrize("channels", [0, 65, 65535])
def test_too_many_channels_are_refused(channels: int):
    with pytest.raises(InputError):
        read(wav(channels=channels, promised=2 * 65535, samples=65535))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, 1e300])
def test_samples_that_are_no_numbers_are_refused(value: float):
    signal = np.zeros(100)
    signal[50] = value
    with warnings.catch_warnings(action="error"):
        for source in ((signal, RATE_HZ), saved(signal, subtype="DOUBLE")):
            with pytest.raises(InputError, match=r"NaN or infinite|full scale"):
                read(source)
        with pytest.raises(InputError, match=r"NaN or infinite|full scale"):
            read(saved(np.stack([signal, -signal], 1), subtype="DOUBLE") if np.isinf(value) else (signal, 8_000))


@pytest.mark.parametrize(
    "source",
    [
        wav(promised=0, samples=0),
        saved(np.zeros(0)),
        (np.zeros(0), RATE_HZ),
        (np.zeros((0, 2)), RATE_HZ),
        (torch.zeros(2, 0), RATE_HZ),
    ],
    ids=["wav header", "wav", "array", "channels last", "channels first"],
)
def test_recording_without_samples_is_refused(source: Any):
    with pytest.raises(InputError, match="no samples"):
        read(source)


@pytest.mark.parametrize("source", [b"", "empty.wav", "missing.wav", "."])
def test_nothing_to_read_is_refused(tmp_path: Path, source: str | bytes):
    (tmp_path / "empty.wav").touch()
    with pytest.raises(InputError, match=r"empty|does not exist|folder|no bytes"):
        read(tmp_path / source if isinstance(source, str) else source)


def test_pipe_is_not_waited_for(tmp_path: Path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(InputError, match="not a regular file"):
        read(tmp_path / "pipe.wav")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (np.zeros(100), "has no rate"),
        (torch.zeros(100), "has no rate"),
        (None, "no recording"),
        (16_000, "no recording"),
        ([0.0, 0.1], "no recording"),
        ({"array": np.zeros(9)}, "no recording"),
        ((np.zeros(100), "16 kHz"), "ndarray and str"),
        (([0.0], RATE_HZ), "list and int"),
        ((np.zeros((3, 4, 5)), RATE_HZ), "(3, 4, 5)"),
        ((np.zeros((128, 100)), RATE_HZ), "(128, 100)"),
        ((np.array(1.0), RATE_HZ), "()"),
        ((np.zeros(100, np.int64), RATE_HZ), "int64"),
        ((np.zeros(100, bool), RATE_HZ), "bool"),
        ((np.zeros(100, complex), RATE_HZ), "complex"),
        ((np.array(["a"]), RATE_HZ), "<U1"),
        ((np.array([None, 1]), RATE_HZ), "object"),
        (b"not a recording", "no recording"),
    ],
    ids=str,
)
def test_what_is_no_recording_is_refused_with_what_would_be(source: Any, said: str):
    with pytest.raises(InputError) as caught:
        read(source)
    assert said in caught.value.problem and caught.value.fix


def test_other_files_that_the_library_knows_are_refused():
    with pytest.raises(InputError, match="MAT5 file"):
        read(saved(tone(RATE_HZ), format="MAT5"))


def test_suffixes_are_those_of_the_manifest():
    tomllib = pytest.importorskip("tomllib")
    from importlib.resources import files

    manifest = tomllib.loads(files("mt_plugin_audio").joinpath("plugin.toml").read_text())
    assert tuple(manifest["suffixes"]) == SUFFIXES


def test_the_header_of_a_recording_says_what_it_was_before_it_is_resampled(tmp_path: Path):
    (tmp_path / "two.wav").write_bytes(saved(noise(4000, 2), 8000, subtype="PCM_16"))
    tokenizer = AudioTokenizer(8)
    assert tokenizer.file_facts(tmp_path / "two.wav") == {
        "format": "WAV",
        "encoding": "PCM_16",
        "rate_hz": 8000,
        "channels": 2,
        "duration_s": 0.5,
    }
    assert tokenizer.file_facts(b"RIFF") == {}
