"""Windows of long recordings: what they hold, and that no more than they is decoded."""

import numpy as np
import pytest
import soundfile as sf
import soxr

from mt_core.errors import InputError
from mt_plugin_audio import decoding
from mt_plugin_audio.reading import read_recording
from mt_plugin_audio.waveform import RATE_HZ, Excerpt

SECONDS, RATE = 20, 22_050


@pytest.fixture(scope="module")
def sweep():
    """(T,) a rising tone in noise."""
    seconds = np.arange(SECONDS * RATE) / RATE
    noise = np.random.default_rng(0).standard_normal(len(seconds))
    return (0.3 * np.sin(2 * np.pi * (200 + 50 * seconds) * seconds) + 0.05 * noise).astype(np.float32)


@pytest.mark.parametrize(
    ("file_format", "encoding", "rate"),
    [
        ("WAV", "PCM_16", RATE),
        ("WAV", "FLOAT", RATE),
        ("WAV", "MS_ADPCM", RATE),
        ("FLAC", "PCM_16", RATE),
        ("MP3", "MPEG_LAYER_III", RATE),
        ("OGG", "VORBIS", RATE),
        ("OGG", "OPUS", 24_000),
        ("AIFF", "PCM_24", RATE),
        ("AU", "ULAW", RATE),
    ],
)
def test_a_window_is_that_part_of_the_resampled_recording(tmp_path, sweep, file_format, encoding, rate):
    path = tmp_path / "long"
    sf.write(path, sweep, rate, format=file_format, subtype=encoding)
    decoded, _ = sf.read(path, dtype="float32")
    whole = soxr.resample(decoded, rate, RATE_HZ)
    for start_s, end_s in ((0, 1.5), (0.25, 2), (7.75, 9.0), (16, 17)):
        window = read_recording(Excerpt(str(path), start_s, end_s, None), 60).samples
        expected = whole[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]
        np.testing.assert_allclose(window, expected, atol=2e-6)


@pytest.mark.parametrize(("file_format", "encoding"), [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")])
def test_of_a_window_at_the_end_what_lies_before_is_not_decoded(tmp_path, sweep, monkeypatch, file_format, encoding):
    path, decoded = tmp_path / "long", []

    class Counting(decoding._Sound):
        def read(self, *arguments, **options):
            samples = super().read(*arguments, **options)
            decoded.append(len(samples))
            return samples

    sf.write(path, sweep, RATE, format=file_format, subtype=encoding)
    monkeypatch.setattr(decoding, "_Sound", Counting)
    read_recording(Excerpt(str(path), 17, 18, None), 60)
    assert sum(decoded) == 3 * RATE  # a second before and one behind


def test_floats_that_are_integers_are_so_in_quiet_windows_too(tmp_path, sweep):
    loud_then_quiet = np.concatenate([sweep * 32768, sweep * 32])
    sf.write(tmp_path / "long.wav", loud_then_quiet, RATE, subtype="FLOAT")
    with pytest.warns(UserWarning, match="16 bits"):
        window = read_recording(Excerpt(str(tmp_path / "long.wav"), 30, 31, None), 60).samples
    assert np.abs(window).max() < 0.001


def test_a_window_behind_the_end_is_refused(tmp_path, sweep):
    sf.write(tmp_path / "short.wav", sweep, RATE)
    with pytest.raises(InputError, match="ends before 30 s"):
        read_recording(Excerpt(str(tmp_path / "short.wav"), 30, 31, None), 60)
