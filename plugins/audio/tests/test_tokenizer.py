"""Sound to tokens: what each token hears, what the end of a recording does, what training may change."""

from __future__ import annotations

import itertools
import math
import pickle
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mt_core.contract import Example, Features, Tokens
from mt_core.encoder import load_encoder
from mt_core.errors import InputError, OptionError
from mt_plugin_audio.filterbank import centres_hz, log_mel, num_frames
from mt_plugin_audio.tokenizer import AUDIOSET_MEAN, AUDIOSET_STD, BINS, AudioOptions, AudioTokenizer
from mt_plugin_audio.waveform import RATE_HZ

STILL = {"speed": 0, "gain_db": 0, "shift_ms": 0, "mask": 0}
STEMS = pytest.mark.parametrize("stem", ["patch", "conv"])


def tokenizer(width: int = 16, **options: Any) -> AudioTokenizer:
    torch.manual_seed(0)
    return AudioTokenizer(width, AudioOptions(**options)).eval()


def noise(seconds: float, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(scale=0.1, size=round(seconds * RATE_HZ)).astype(np.float32)


def tone(pitch_hz: float, seconds: float = 0.5) -> np.ndarray[Any, Any]:
    return np.sin(2 * np.pi * pitch_hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ).astype(np.float32)


def batch(*recordings: np.ndarray[Any, Any], of: AudioTokenizer) -> dict[str, Tensor]:
    return of.collate([of.prepare(of.read((recording, RATE_HZ))) for recording in recordings])


def real(tokens: Tokens, row: int) -> Tensor:
    """The real tokens of one recording."""
    return tokens.values[row][tokens.real()[row]]


def drawn(own: AudioTokenizer, recording: np.ndarray[Any, Any], seed: int) -> Tensor:
    return own.prepare(own.read((recording, RATE_HZ)), torch.Generator().manual_seed(seed))["frames"]


# log-mel energies


@pytest.mark.parametrize("seconds", [0.0049, 0.005, 0.014, 0.3, 1.0037])
def test_log_mel_is_kaldis(seconds: float):
    kaldi = pytest.importorskip("kaldi_native_fbank")
    options = kaldi.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.snip_edges = False
    options.frame_opts.window_type = "hamming"
    options.frame_opts.samp_freq = RATE_HZ
    options.mel_opts.num_bins = 80  # it takes no 128 at this rate
    recording = noise(seconds) + 0.05
    if len(recording) < 80:
        recording = np.pad(recording, (0, 80 - len(recording)))
    oracle = kaldi.OnlineFbank(options)
    oracle.accept_waveform(RATE_HZ, recording.tolist())
    oracle.input_finished()
    expected = np.stack([oracle.get_frame(index) for index in range(oracle.num_frames_ready)])
    own = log_mel(recording, bins=80).numpy()
    assert own.shape == expected.shape
    assert np.abs(own - expected).max() < 2e-3


@pytest.mark.parametrize("pitch_hz", [500, 1000, 3000, 7000])
def test_tone_is_loudest_in_the_band_of_its_pitch(pitch_hz: float):
    loudest = log_mel(tone(pitch_hz)).mean(0).argmax()
    assert (centres_hz(BINS) - pitch_hz).abs().argmin() == loudest


def test_bands_are_evenly_spaced_in_mel_from_20_hz_to_8_khz():
    mel = 1127 * torch.log1p(centres_hz(BINS) / 700)
    lowest, highest = 1127 * math.log1p(20 / 700), 1127 * math.log1p(8000 / 700)
    torch.testing.assert_close(mel, torch.linspace(lowest, highest, BINS + 2)[1:-1], rtol=0, atol=0.01)


def test_silence_has_the_least_energy_there_is():
    assert torch.allclose(log_mel(np.zeros(1600, np.float32)), torch.tensor(math.log(2**-23)))


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (239, 1), (240, 2), (16_000, 100), (16_080, 101)])
def test_a_frame_begins_every_ten_milliseconds(samples: int, frames: int):
    assert num_frames(samples) == frames == len(log_mel(np.ones(samples, np.float32)))


def test_louder_is_the_same_plus_a_constant():
    louder = log_mel(10 * noise(0.3)) - log_mel(noise(0.3))
    energies = louder[:, log_mel(noise(0.3)).amin(0) > -15]
    torch.testing.assert_close(energies, torch.full_like(energies, 2 * math.log(10)), rtol=0, atol=1e-3)


# tokens


@pytest.mark.parametrize(
    ("seconds", "steps"), [(0.01, 1), (0.16, 1), (0.17, 2), (0.26, 2), (0.27, 3), (0.4, 4), (1.0, 10), (10.24, 102)]
)
def test_ast_has_so_many_tokens_for_so_many_seconds(seconds: float, steps: int):
    tokens = tokenizer()(batch(noise(seconds), of=tokenizer()))
    assert tokens.grid == (steps, 12)  # ten seconds of AST are 12 x 101, where the last frames are left out
    assert tokens.values.shape == (1, steps * 12, 16)


def test_conv_stem_has_one_token_a_step():
    own = tokenizer(stem="conv", patch=8, stride=4)
    tokens = own(batch(noise(0.4), of=own))
    assert tokens.grid == (9, 1) and tokens.values.shape == (1, 9, 16)


def test_coords_are_seconds_and_hertz():
    own = tokenizer()
    coords = own(batch(noise(0.4), of=own)).coords
    assert coords is not None
    assert coords[0, :12, 0].tolist() == pytest.approx([0.08] * 12)
    assert coords[0, ::12, 0].tolist() == pytest.approx([0.08, 0.18, 0.28, 0.38])
    assert coords[0, 3, 1] == pytest.approx(float(centres_hz(BINS)[30:46].mean()))


def test_patch_token_depends_on_its_own_patch_alone():
    own = tokenizer()
    frames = torch.randn(1, 46, BINS)
    nudged = frames.clone()
    nudged[0, 31, 47] += 1  # steps begin at 0, 10, 20, 30 and bands at 0, 10, ... 40; each is 16 long
    changed = (own({"frames": frames}).values != own({"frames": nudged}).values).any(-1)
    expected = [step * 12 + band for step in (2, 3) for band in (4,)]
    assert changed[0].nonzero().flatten().tolist() == expected


@STEMS
def test_tokens_depend_on_the_sound_and_on_the_place(stem: str):
    own = tokenizer(stem=stem)
    tokens = own(batch(noise(0.5), noise(0.5, seed=1), np.zeros(8000, np.float32), of=own)).values
    assert (tokens[0] - tokens[1]).abs().amax(-1).min() > 1e-4
    steps = tokens[2].reshape(-1, own.num_bands, 16)
    assert (steps[1] - steps[2]).abs().amax() > 1e-3  # the same silence at two times
    if own.num_bands > 1:
        assert (steps[1, 5] - steps[1, 6]).abs().amax() > 1e-3  # and at two frequencies


@STEMS
@pytest.mark.parametrize("options", [{}, {"patch": 8, "stride": 4}], ids=str)
@pytest.mark.parametrize("seconds", [0.14, 0.4, 0.437])
def test_padding_changes_no_token(stem: str, options: dict[str, Any], seconds: float):
    own = tokenizer(stem=stem, **options)
    alone = own(batch(noise(seconds), of=own))
    together = own(batch(noise(1.3, seed=1), noise(seconds), noise(0.9, seed=2), of=own))
    assert alone.mask is None and together.mask is not None
    torch.testing.assert_close(real(together, 1), alone.values[0], rtol=0, atol=1e-5)
    mask = together.mask[1].tolist()
    assert mask == sorted(mask, reverse=True)  # padding is trailing


@STEMS
def test_what_stands_in_the_padding_changes_no_token(stem: str):
    own = tokenizer(stem=stem)
    clean = batch(noise(0.3), noise(0.8), of=own)
    dirty = {**clean, "frames": clean["frames"].masked_fill(~clean["frames_mask"][..., None], 1000)}
    torch.testing.assert_close(real(own(dirty), 0), real(own(clean), 0), rtol=0, atol=1e-5)


@STEMS
def test_padding_changes_no_token_where_positions_are_stretched(stem: str):
    own = tokenizer(stem=stem, patch=2, stride=1)
    alone = own(batch(noise(1.2), of=own)).values[0]
    together = own(batch(noise(1.2), noise(1.5), noise(0.2), of=own))
    torch.testing.assert_close(real(together, 0), alone, rtol=0, atol=1e-5)


@STEMS
def test_any_part_of_a_recording_changes_its_vector(stem: str):
    """The original pooled the first two patches only."""
    own = tokenizer(width=192, stem=stem)
    recording = noise(0.237)
    starts = range(0, len(recording), 480)
    changed = [np.concatenate([recording[:at], -3 * recording[at : at + 80], recording[at + 80 :]]) for at in starts]
    last = recording.copy()
    last[-1] += 1
    encoder = load_encoder("random/vit_tiny_patch16_224")
    with torch.no_grad():
        features: Features = encoder(own(batch(recording, *changed, last, of=own)))
    for pooled in (features.pooled, features.pool("mean+max")):
        assert (pooled[1:] - pooled[0]).abs().amax(-1).min() > 1e-5


@STEMS
def test_everything_learns_from_a_gradient(stem: str):
    own = tokenizer(stem=stem).train()
    own(batch(noise(0.3), noise(0.5), of=own)).values.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in own.parameters())


@pytest.mark.parametrize("seconds", [0.0001, 30.0])
def test_the_shortest_and_the_longest_have_finite_tokens(seconds: float):
    own = tokenizer()
    tokens = own(batch(noise(seconds), noise(0.2), of=own))
    assert tokens.values.isfinite().all() and tokens.real().any(1).all()


@pytest.mark.parametrize("loudness", [1e-30, 100])
def test_very_quiet_and_very_loud_recordings_have_finite_tokens(loudness: float):
    own = tokenizer()
    assert own(batch(noise(0.2) * np.float32(loudness), of=own)).values.isfinite().all()


# training


def test_without_a_generator_nothing_is_random():
    own = tokenizer()
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = batch(noise(0.3), of=own)["frames"]
    assert torch.equal(batch(noise(0.3), of=own)["frames"], first)
    assert torch.equal(torch.get_rng_state(), state)


def test_one_seed_gives_one_augmentation_and_another_another():
    own = tokenizer()
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = [drawn(own, noise(0.3), seed).numpy().tobytes() for seed in range(6)]
    assert [drawn(own, noise(0.3), seed).numpy().tobytes() for seed in range(6)] == first
    assert len(set(first)) == 6
    assert torch.equal(torch.get_rng_state(), state)


def test_augmentation_can_be_switched_off():
    own = tokenizer(**STILL)
    expected = batch(noise(0.3), of=own)["frames"][0]
    assert all(torch.equal(drawn(own, noise(0.3), seed), expected) for seed in range(4))


def test_gain_alone_adds_at_most_its_decibels():
    own = tokenizer(**{**STILL, "gain_db": 6})
    plain = batch(noise(0.3), of=own)["frames"][0].float()
    audible = plain.amin(0) > -13
    gains = []
    for seed in range(12):
        differences = (drawn(own, noise(0.3), seed).float() - plain)[:, audible]
        assert differences.std() < 0.02
        gains.append(float(differences.mean()))
    assert max(map(abs, gains)) <= 6 / 20 * math.log(100) + 0.01
    assert min(gains) < -0.3 and max(gains) > 0.3


def test_speed_alone_changes_duration_and_pitch_together():
    own = tokenizer(**{**STILL, "speed": 0.2})
    plain_pitch, plain_length = log_mel(tone(1000)).mean(0).argmax(), 50
    lengths = set()
    for seed in range(8):
        frames = drawn(own, tone(1000), seed)
        lengths.add(len(frames))
        assert 50 / 1.2 - 1 <= len(frames) <= 50 / 0.8 + 1
        factor = float(centres_hz(BINS)[frames.float()[5:-5].mean(0).argmax()] / centres_hz(BINS)[plain_pitch])
        assert factor == pytest.approx(plain_length / len(frames), rel=0.05)
    assert len(lengths) > 4


def test_shift_alone_moves_the_beginning():
    own = tokenizer(**{**STILL, "shift_ms": 50})
    plain = batch(noise(0.6), of=own)["frames"][0]
    moves = set()
    for seed in range(30):
        frames = drawn(own, noise(0.6), seed)
        move = len(frames) - len(plain)
        moves.add(move)
        if move > 0:
            assert torch.equal(frames[move:], plain)
            assert torch.allclose(frames[:move].float(), torch.tensor(own.mean), atol=0.01)
        else:
            assert torch.equal(frames, plain[-move:])
    assert min(moves) == -5 and max(moves) == 5


def test_mask_alone_hides_one_stretch_of_time_and_one_band():
    own = tokenizer(**{**STILL, "mask": 0.5})
    plain = batch(noise(0.6), of=own)["frames"][0]
    hidden_times, hidden_bins = set(), set()
    for seed in range(20):
        hidden = drawn(own, noise(0.6), seed) != plain
        times, bins = hidden.all(1).nonzero().flatten().tolist(), hidden.all(0).nonzero().flatten().tolist()
        for indices, length in ((times, len(plain)), (bins, BINS)):
            assert len(indices) <= length / 2
            assert indices == list(range(indices[0], indices[-1] + 1)) if indices else True
        hidden_times.add(tuple(times))
        hidden_bins.add(tuple(bins))
        assert not hidden[~hidden.all(1)][:, ~hidden.all(0)].any()
    assert len(hidden_times) > 10 and len(hidden_bins) > 10


@pytest.mark.parametrize("samples", [1, 100, 400])
def test_a_recording_of_a_few_samples_survives_any_augmentation(samples: int):
    own = tokenizer(speed=0.5, gain_db=60, shift_ms=1000, mask=0.5)
    for seed in range(30):
        frames = drawn(own, np.ones(samples, np.float32), seed)
        assert len(frames) >= 1 and frames.isfinite().all()


# calibration


def test_calibration_finds_mean_and_deviation_of_all_energies():
    own = tokenizer()
    recordings = [noise(0.2), 0.1 * noise(0.5, seed=1), tone(440)]
    own.calibrate(Example((recording, RATE_HZ), 0) for recording in recordings)
    energies = torch.cat([log_mel(recording) for recording in recordings]).flatten()
    assert own.calibration()["mean"] == pytest.approx(float(energies.mean()), abs=0.01)
    assert own.calibration()["std"] == pytest.approx(float(energies.std()), abs=0.01)


def test_before_calibration_it_is_audiosets():
    own = tokenizer(width=1)
    assert own.calibration() == {}
    with torch.no_grad():
        own.patches.project.weight.fill_(1 / 256)
        for zero in (own.patches.project.bias, own.time_positions.weight, own.band_positions.weight):
            assert zero is not None
            zero.zero_()
    levels = torch.tensor([AUDIOSET_MEAN, AUDIOSET_MEAN + 2 * AUDIOSET_STD])
    frames = levels[:, None, None].expand(2, 16, BINS)
    torch.testing.assert_close(own({"frames": frames}).values[:, 0, 0], torch.tensor([0.0, 1.0]))


def test_calibration_reads_some_hundred_recordings_of_many(monkeypatch: pytest.MonkeyPatch):
    own, asked = tokenizer(), []
    read = own.read
    monkeypatch.setattr(own, "read", lambda source: (asked.append(source[0]), read((noise(0.02), RATE_HZ)))[1])
    own.calibrate(Example((index, RATE_HZ), 0) for index in range(3000))
    assert len(asked) == len(set(asked)) == 500
    assert np.mean(asked) == pytest.approx(1500, abs=150)  # from all of them, not from the first


def test_silent_recordings_leave_a_deviation_to_divide_by():
    own = tokenizer()
    own.calibrate([Example((np.zeros(800, np.float32), RATE_HZ), 0)])
    assert own.calibration()["std"] == 1 and own(batch(noise(0.2), of=own)).values.isfinite().all()


def test_unreadable_recordings_are_passed_over_in_calibration():
    sound, damaged = tokenizer(), tokenizer()
    sound.calibrate([Example((noise(0.2), RATE_HZ), 0)])
    damaged.calibrate([Example("gone.wav", 0), Example((noise(0.2), RATE_HZ), 0), Example(b"no sound", 0)])
    assert damaged.calibration() == sound.calibration() != {}
    with pytest.raises(InputError, match=r"gone\.wav"):
        tokenizer().calibrate([Example("gone.wav", 0)])


@STEMS
def test_state_survives_a_save(stem: str):
    own = tokenizer(stem=stem)
    own.calibrate([Example((noise(0.5), RATE_HZ), 0)])
    again = AudioTokenizer(16, AudioOptions(stem=stem)).eval()
    again.load_state_dict(own.state_dict())
    again.restore(own.calibration())
    recordings = batch(noise(0.3), of=own)
    assert again.calibration() == own.calibration()
    assert torch.equal(again(recordings).values, own(recordings).values)
    assert torch.equal(pickle.loads(pickle.dumps(own))(recordings).values, own(recordings).values)


# init_from_encoder


def encoder_like(**parts: Any) -> Any:
    """What a tokenizer may take over from an encoder."""
    torch.manual_seed(1)
    known = {"patch_weight": torch.randn(16, 3, 16, 16), "patch_bias": torch.randn(16)}
    return SimpleNamespace(**{**known, "positions": torch.randn(12, 16), "positions_grid": (3, 4), **parts})


def test_adopted_kernel_sees_frequency_as_height_and_time_as_width():
    own, encoder = tokenizer(), encoder_like()
    own.init_from_encoder(encoder)
    with torch.no_grad():
        own.time_positions.weight.zero_()
        own.band_positions.weight.zero_()
    frames = torch.randn(1, 16, BINS)
    normal = (frames[0] - AUDIOSET_MEAN) / (2 * AUDIOSET_STD)
    picture = normal[:, :16].T  # of the lowest patch: bins down, frames across
    grey = torch.nn.functional.conv2d(picture.expand(1, 3, 16, 16), encoder.patch_weight, encoder.patch_bias)
    torch.testing.assert_close(own({"frames": frames}).values[0, 0], grey.flatten(), rtol=1e-4, atol=1e-4)


def test_adopted_positions_are_the_encoders_where_they_are_a_sum():
    down, across = torch.linspace(-1, 1, 3), torch.linspace(-2, 2, 4)
    plane = (down[:, None] + across).flatten()[:, None].expand(-1, 16)
    own = tokenizer()
    own.init_from_encoder(encoder_like(positions=plane))
    bands, times = own.band_positions.weight[:, 0].detach(), own.time_positions.weight[:, 0].detach()
    assert bands[[0, -1]].tolist() == pytest.approx([-1, 1])
    assert times[[0, -1]].tolist() == pytest.approx([-2, 2])
    middle = times[20:80].diff()  # away from the edges: a column is 4/3 more than the last, and becomes 25 steps
    torch.testing.assert_close(middle, torch.full_like(middle, 4 / 3 / 25), rtol=0, atol=1e-4)


def test_conv_stem_adopts_positions_only():
    own = tokenizer(stem="conv")
    before = own.patches.project.weight.detach().clone()
    own.init_from_encoder(encoder_like())
    assert torch.equal(own.patches.project.weight, before)
    assert torch.allclose(own.band_positions.weight[0], encoder_like().positions.mean(0), atol=1e-6)


def test_encoder_without_patches_and_positions_is_taken():
    own = tokenizer()
    before = [parameter.detach().clone() for parameter in own.parameters()]
    own.init_from_encoder(encoder_like(patch_weight=None, patch_bias=None, positions=None, positions_grid=None))
    assert all(itertools.starmap(torch.equal, zip(own.parameters(), before, strict=True)))


def test_adopting_changes_nothing_in_the_encoder():
    own, encoder = tokenizer(), encoder_like()
    own.init_from_encoder(encoder)
    with torch.no_grad():
        for parameter in own.parameters():
            parameter.zero_()
    assert encoder.patch_weight.abs().sum() > 0 and encoder.positions.abs().sum() > 0


# options


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"stride": 17}, "gaps"),
        ({"patch": 8}, "stride=10: a stride of 10 leaves gaps"),
        ({"patch": 200}, "patch=200"),
        ({"stride": 0}, "stride=0"),
        ({"stem": "wave"}, "conv"),
        ({"max_seconds": 0}, "max_seconds=0"),
        ({"mask": 0.9}, "mask=0.9"),
        ({"rate": 8000}, "rate"),
    ],
    ids=str,
)
def test_wrong_options_are_refused_with_what_they_take(options: dict[str, Any], said: str):
    with pytest.raises(OptionError, match=said) as caught:
        AudioOptions.parse(options)
    assert "takes" in caught.value.fix or "patch=16" in caught.value.fix


def test_every_option_is_described():
    assert all(field.description for field in AudioOptions.model_fields.values())
