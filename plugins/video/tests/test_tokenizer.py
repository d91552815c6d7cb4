"""Video to tokens: what each token sees, when a clip looks, what the encoder brings, what training may change."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mt_core.errors import OptionError
from mt_plugin_video.motion import motion_of
from mt_plugin_video.sampling import Video, times_of_clips
from mt_plugin_video.tokenizer import VideoOptions, VideoTokenizer

SMALL: dict[str, Any] = {"size": 16, "patch": 8, "frames": 4, "tubelet": 2}


def tokenizer(width: int = 16, **options: Any) -> VideoTokenizer:
    torch.manual_seed(0)
    return VideoTokenizer(width, VideoOptions(**{**SMALL, **options})).eval()


def noise(frames: int = 4, height: int = 16, width: int = 16, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


def counting(frames: int) -> np.ndarray[Any, Any]:
    """A video whose frames are as bright as their number."""
    return np.broadcast_to(np.arange(frames, dtype=np.uint8)[:, None, None, None], (frames, 16, 16, 3)).copy()


def batch(*videos: Any, of: VideoTokenizer) -> dict[str, Tensor]:
    return of.collate([of.prepare(of.read(video)) for video in videos])


def seen(own: VideoTokenizer, video: Any, seed: int | None = None) -> list[list[int]]:
    """The numbers of the frames of each clip, of a `counting` video."""
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return own.prepare(own.read(video), generator)["pixels"][:, :, 0, 0, 0].tolist()


class OneEncoder:
    """What a tokenizer may take over from an encoder of width 16."""

    width = 16
    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.25, 1.0)
    positions_grid = (2, 2)

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(1)
        self.patch_weight = torch.randn(16, 3, 8, 8, generator=generator)
        self.patch_bias = torch.randn(16, generator=generator)
        self.positions = torch.randn(4, 16, generator=generator)


STEMS = pytest.mark.parametrize("options", [{}, {"stem": "conv"}, {"motion": True}, {"stem": "conv", "motion": True}])


# tokens


@STEMS
def test_one_token_a_tubelet_with_its_middle(options: dict[str, Any]):
    own = tokenizer(**options)
    tokens = own(batch(noise(), noise(9, 30, 20), of=own))
    assert tokens.values.shape == (2, 8, 16)
    assert tokens.grid == (2, 2, 2) and tokens.views == 1 and tokens.mask is None
    assert tokens.coords is not None
    assert tokens.coords[1, :5].tolist() == [
        [0.25, 0.25, 0.25],
        [0.25, 0.25, 0.75],
        [0.25, 0.75, 0.25],
        [0.25, 0.75, 0.75],
        [0.75, 0.25, 0.25],
    ]


@pytest.mark.parametrize("stem", ["patch", "conv"])
def test_a_pixel_of_a_frame_changes_the_tokens_of_its_own_time_alone(stem: str):
    own = tokenizer(stem=stem)
    video = noise()
    nudged = video.copy()
    nudged[3, 12:, 12:] ^= 255  # last frame, low right
    values = own(batch(video, nudged, of=own)).values
    changed = (values[0] != values[1]).any(-1).nonzero().flatten().tolist()
    assert changed == [7] if stem == "patch" else set(changed) <= {4, 5, 6, 7} and 7 in changed


def test_motion_is_seen_by_the_tubelet_after_the_frame_too():
    own = tokenizer(motion=True)
    video = noise()
    nudged = video.copy()
    nudged[1, 2:6, 2:6] ^= 255  # last frame of the first tubelet, high left
    values = own(batch(video, nudged, of=own)).values
    assert (values[0] != values[1]).any(-1).nonzero().flatten().tolist() == [0, 4]


@STEMS
def test_other_videos_of_the_batch_change_nothing(options: dict[str, Any]):
    own = tokenizer(**options)
    alone = own(batch(noise(), of=own)).values[0]
    together = own(batch(noise(), noise(1, 9, 9, seed=2), noise(30, seed=3), of=own)).values[0]
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)


@STEMS
def test_tokens_depend_on_the_video_and_on_the_time(options: dict[str, Any]):
    own = tokenizer(**options)
    values = own(batch(noise(), noise(seed=1), np.zeros((4, 16, 16, 3), np.uint8), of=own)).values
    assert (values[0] - values[1]).abs().amax(-1).min() > 1e-3
    assert (values[2, 0] - values[2, 4]).abs().max() > 1e-3  # the same black, earlier and later


@STEMS
def test_everything_learns_from_a_gradient(options: dict[str, Any]):
    own = tokenizer(**options).train()
    own(batch(noise(), of=own)).values.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in own.parameters())


def test_clips_are_views_of_their_own():
    own = tokenizer(clips=3)
    video = noise(48)
    tokens = own(batch(video, noise(48, seed=1), of=own))
    assert tokens.views == 3 and tokens.values.shape == (6, 8, 16)
    one_B = own({"pixels": batch(video, of=own)["pixels"][:, 1:2]}).values
    torch.testing.assert_close(tokens.values[1:2], one_B, rtol=0, atol=1e-6)


def test_grey_has_the_pixels_of_three_equal_colours():
    own = tokenizer()
    pixels = batch(noise()[..., 0], of=own)["pixels"]
    assert torch.equal(pixels[:, :, :, 0], pixels[:, :, :, 2])


# motion


@pytest.mark.parametrize(("across", "down"), [(1, 0), (-1, 0), (0, 1), (0, -1)])
@pytest.mark.parametrize("is_bright", [True, False])
def test_movement_has_its_direction_whatever_is_brighter(across: int, down: int, is_bright: bool):
    frames = torch.full((1, 2, 3, 16, 16), -1.0 if is_bright else 1.0)
    for time in range(2):
        x, y = 6 + across * time, 6 + down * time
        frames[0, time, :, y : y + 4, x : x + 4] *= -1
    moved = motion_of(frames)[0, :, 1:].sum((-1, -2))
    assert moved[0].tolist() == [0, 0]  # nothing came before
    assert torch.sign(moved[1]).tolist() == [across, down]


def test_what_stands_still_has_no_motion_and_no_motion_is_unbounded():
    still = torch.randn(1, 1, 3, 8, 8).expand(1, 3, 3, 8, 8)
    assert motion_of(still).abs().max() == 0
    assert motion_of(torch.randn(1, 5, 3, 8, 8) * 10)[:, :, 1:].abs().max() <= 1


# sampling


def test_video_of_as_many_frames_is_seen_as_it_is():
    assert seen(tokenizer(), counting(4)) == [[0, 1, 2, 3]]


def test_frames_are_spread_evenly_over_the_whole_video():
    assert seen(tokenizer(), counting(40)) == [[5, 15, 25, 35]]


def test_short_video_shows_its_frames_again():
    assert seen(tokenizer(), counting(2)) == [[0, 0, 1, 1]]
    assert seen(tokenizer(), counting(1)) == [[0, 0, 0, 0]]


def test_clips_of_the_whole_video_lie_between_one_another():
    assert seen(tokenizer(clips=2), counting(40)) == [[2, 12, 22, 32], [7, 17, 27, 37]]


def test_clips_at_a_rate_are_stretches_of_the_video():
    # arrays are taken for 25 frames a second: every second frame, from three places of 40 - 8 + 1
    assert seen(tokenizer(rate_hz=12.5), counting(40)) == [[17, 19, 21, 23]]
    clips = seen(tokenizer(rate_hz=12.5, clips=2), counting(40))
    assert [np.diff(clip).tolist() for clip in clips] == [[2, 2, 2]] * 2
    assert clips[0][0] < 16 < clips[1][0]


def test_clip_longer_than_the_video_ends_in_its_last_frame():
    assert seen(tokenizer(rate_hz=25), counting(2)) == [[0, 1, 1, 1]]


def test_training_sees_one_clip_from_somewhere():
    own = tokenizer(rate_hz=25)
    drawn = {tuple(clip) for seed in range(30) for clip in seen(own, counting(40), seed)}
    assert len(drawn) == 3 and all(np.diff(clip).tolist() == [1, 1, 1] for clip in drawn)
    assert len(seen(tokenizer(clips=4), counting(40), seed=0)) == 1


def test_frames_follow_the_clock_and_not_their_number():
    frames = counting(4)
    shown = Video(frames, np.array([0.0, 0.1, 0.2, 3.0]), 4.0)  # the third stands for almost three seconds
    assert seen(tokenizer(), shown) == [[2, 2, 2, 3]]


@pytest.mark.parametrize("rate_hz", [0, 7.5])
def test_times_increase_within_a_clip_and_from_clip_to_clip(rate_hz: float):
    times = times_of_clips(30.0, frames=8, clips=3, rate_hz=rate_hz)
    assert times.shape == (9, 8) and (np.diff(times, axis=0) > 0).all() and (np.diff(times, axis=1) > 0).all()
    assert 0 < times.min() and times.max() < 30


# prepare


@pytest.mark.parametrize("side", [16, 40])
def test_all_frames_are_cropped_moved_and_mirrored_alike(side: int):
    own = tokenizer(augment=1, size=16)
    still = np.repeat(noise(1, side, side), 4, axis=0)
    sample = own.read(still)
    for seed in range(8):
        pixels = own.prepare(sample, torch.Generator().manual_seed(seed))["pixels"][0]
        assert (pixels == pixels[0]).all()


def test_flip_can_be_switched_off():
    own, sample = tokenizer(augment=0, flip=False), None
    sample = own.read(noise(1))
    expected = own.prepare(sample)["pixels"]
    for seed in range(8):
        assert torch.equal(own.prepare(sample, torch.Generator().manual_seed(seed))["pixels"], expected)


def test_crop_takes_the_middle_and_squash_takes_all():
    thirds = np.zeros((2, 16, 48, 3), np.uint8)
    thirds[:, :, :16, 0], thirds[:, :, 16:32, 1], thirds[:, :, 32:, 2] = 255, 255, 255
    cropped = batch(thirds, of=tokenizer(fit="crop"))["pixels"]
    assert cropped.shape == (1, 1, 4, 3, 16, 16) and cropped.dtype == torch.uint8
    assert cropped.float().mean((0, 1, 2, 4, 5)).tolist() == [0, 255, 0]
    squashed = batch(thirds, of=tokenizer(fit="squash"))["pixels"]
    assert squashed.float().mean((0, 1, 2, 4, 5)).tolist() == pytest.approx([85, 85, 85], abs=2)


# init_from_encoder


@pytest.mark.parametrize("motion", [False, True])
def test_adopted_tokens_are_those_of_the_middle_frame(motion: bool):
    own, encoder = tokenizer(motion=motion), OneEncoder()
    own.init_from_encoder(encoder)  # type: ignore[arg-type]
    video = noise()
    tokens = own(batch(video, of=own)).values[0]
    for time, frame in enumerate((1, 3)):  # the later of two
        pixels = torch.from_numpy(video[frame]).permute(2, 0, 1) / 255
        pixels = (pixels - torch.tensor(encoder.mean)[:, None, None]) / torch.tensor(encoder.std)[:, None, None]
        patches = torch.nn.functional.conv2d(pixels[None], encoder.patch_weight, encoder.patch_bias, stride=8)
        expected = patches.flatten(2)[0].T + encoder.positions
        torch.testing.assert_close(tokens[4 * time : 4 * time + 4], expected, rtol=0, atol=1e-4)


def test_adopting_changes_nothing_in_the_encoder():
    own, encoder = tokenizer(), OneEncoder()
    own.init_from_encoder(encoder)  # type: ignore[arg-type]
    with torch.no_grad():
        own.patches.project.weight.zero_()
        own.place.weight.zero_()
    assert encoder.patch_weight.abs().sum() > 0 and encoder.positions.abs().sum() > 0


def test_encoder_without_patches_or_positions_gives_its_normalisation():
    own, encoder = tokenizer(stem="conv"), OneEncoder()
    encoder.patch_weight = encoder.positions = None  # type: ignore[assignment]
    before = own.place.weight.detach().clone()
    own.init_from_encoder(encoder)  # type: ignore[arg-type]
    assert own.std.tolist() == [0.5, 0.25, 1.0]
    assert torch.equal(own.place.weight, before)


# keeping


@STEMS
def test_state_survives_a_save(options: dict[str, Any]):
    own, again = tokenizer(**options), VideoTokenizer(16, VideoOptions(**SMALL, **options)).eval()
    again.load_state_dict(own.state_dict())
    pixels = batch(noise(), of=own)
    assert torch.equal(again(pixels).values, own(pixels).values)
    assert torch.equal(pickle.loads(pickle.dumps(own))(pixels).values, own(pixels).values)


# options


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": 30, "patch": 16}, "do not divide"),
        ({"frames": 9}, "do not divide 9 frames"),
        ({"size": 28, "patch": 14, "stem": "conv"}, "power of two"),
        ({"frames": 0}, "frames=0"),
        ({"clips": 0}, "clips=0"),
        ({"rate_hz": float("inf")}, "rate_hz=inf"),
        ({"colour": "no"}, "colour"),
    ],
    ids=str,
)
def test_wrong_options_are_refused(options: dict[str, Any], said: str):
    with pytest.raises(OptionError, match=said):
        VideoOptions.parse(options)
