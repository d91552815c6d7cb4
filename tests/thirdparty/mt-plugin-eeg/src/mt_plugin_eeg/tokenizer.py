"""Recordings to tokens, one a second of a channel.  C channels, T samples, P a second, M = C * seconds, D width.

After Yang et al. 2023 (BIOT), arXiv:2305.10351: spectra of each channel's patches, placed by channel and by time in one
sequence, so that montages may differ from file to file.
"""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import edfio
import numpy as np
import soxr
import torch
from mt_core.contract import Options, Tokenizer, Tokens, name_of, reading
from mt_core.errors import InputError
from pydantic import Field
from torch import Tensor, nn

ROWS, SIDES = "fp af f ft fc t c tp cp p po o i".split(), ["z", *"123456789", "10"]  # of the 10-10 system
PLACES = {name: place for place, name in enumerate((row + side for row in ROWS for side in SIDES), 1)}
PLACES |= {"t3": PLACES["t7"], "t4": PLACES["t8"], "t5": PLACES["p7"], "t6": PLACES["p8"]}  # their older names
MICROVOLTS = {"nv": 1e-3, "uv": 1.0, "mv": 1e3, "v": 1e6}
Sample = tuple[np.ndarray[Any, np.dtype[np.float32]], tuple[str, ...]]  # (C, T) microvolts, names of the channels


def electrodes(label: str) -> tuple[int, int]:
    """The places a channel is the difference of ("EEG Fpz-Cz", "FP1-F7", "Fc5."); 0 for a reference or another name."""
    first, second, *_ = [*label.lower().removeprefix("eeg").strip(" .").split("-"), ""]
    return PLACES.get(first, 0), PLACES.get(second, 0)


class EegOptions(Options):
    rate: int = Field(default=128, ge=32, le=1024, description="Hz that recordings are brought to.")
    tokens: int = Field(default=512, ge=1, le=4096, description="The most; longer recordings are spread over them.")


class EegTokenizer(Tokenizer):
    """A second's spectrum, and the places of its electrodes, one less the other, as the signal is."""

    Options = EegOptions
    sample_limits = "at least a second, at 16 Hz or more; of more than `tokens` of a second, evenly spread ones"

    def __init__(self, width: int, options: EegOptions | None = None) -> None:
        super().__init__(width, options)
        self.project = nn.Sequential(nn.Linear(self.options.rate // 2, width), nn.LayerNorm(width))
        self.place = nn.Embedding(1 + len(PLACES), width, padding_idx=0)
        self.moment = nn.Embedding(self.options.tokens, width)

    def read(self, source: Any) -> Sample:
        """A file, (file, start, seconds) or (C, T) microvolts at the option `rate`, also with channels' names."""
        first, *more = source if isinstance(source, tuple) else (source,)
        # edfio only warns of a file that was cut off
        with reading(first, formats=".edf, arrays"), warnings.catch_warnings(action="error"):
            is_file = isinstance(first, str | Path | bytes)
            waves, *names = self._of_file(first, *more) if is_file else (np.asarray(first, np.float32), *more)
            if waves.ndim != 2 or not waves.size or waves.shape[1] < self.options.rate or not np.isfinite(waves).all():
                raise InputError(f"{name_of(first)} has no second of EEG", fix="give finite (channels, samples)")
            labels = names[0] if names else [""] * len(waves)
            return waves, tuple(str(label) for label, _ in zip(labels, waves, strict=True))

    def _of_file(self, source: str | Path | bytes, start: float = 0, seconds: float = float("inf")) -> Sample:
        file = edfio.read_edf(source)
        called = [each for each in file.signals if each.label.lower().startswith("eeg") or any(electrodes(each.label))]
        rate = max((each.sampling_frequency for each in called), default=0)
        if rate < 16 or file.reserved[3:5] == "+D":
            said = f"{name_of(source)} has gaps, or no EEG at 16 Hz or more among {', '.join(file.labels)}"
            raise InputError(said, fix="save each continuous part as EDF, its channels called by electrode")
        chosen, stop = [each for each in called if each.sampling_frequency == rate], min(start + seconds, file.duration)
        units = [MICROVOLTS.get(each.physical_dimension.lower(), 1.0) for each in chosen]
        values_TC = np.stack([each.get_data_slice(start, stop) for each in chosen], axis=1) * units
        values_TC = soxr.resample((values_TC - values_TC.mean(0)).astype(np.float32), rate, self.options.rate)
        return values_TC.T, tuple(each.label for each in chosen)

    def prepare(self, sample: Sample, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """patches (M, P), electrodes (M, 2) and moment (M,), channel by channel."""
        (values_CT, labels), rate = sample, self.options.rate
        count = min(values_CT.shape[1] // rate, max(1, self.options.tokens // len(labels)))
        starts = torch.linspace(0, values_CT.shape[1] - rate, count).long()
        return {
            "patches": torch.tensor(values_CT).unfold(1, rate, 1)[:, starts].flatten(0, 1),
            "electrodes": torch.tensor([electrodes(label) for label in labels]).repeat_interleave(count, dim=0),
            "moment": torch.arange(count).repeat(len(labels)),
        }

    def with_channels(self, sample: Sample, channels: int) -> Sample:
        chosen = [channel % len(sample[0]) for channel in range(channels)]
        return sample[0][chosen], tuple(sample[1][channel] for channel in chosen)

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        amplitude_BMF = 2 * torch.fft.rfft(batch["patches"], norm="forward").abs()[..., 1:]  # of each Hz, in microvolts
        first_BMD, second_BMD = self.place(batch["electrodes"]).unbind(2)
        values_BMD = self.project((amplitude_BMF + 0.1).log()) + first_BMD - second_BMD + self.moment(batch["moment"])
        return Tokens(values_BMD, mask=batch.get("patches_mask"))
