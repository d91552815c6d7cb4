"""Recordings, or parts of them, and what was going on."""

import warnings
from pathlib import Path
from typing import ClassVar, Self

import edfio
import numpy as np
from mt_core.contract import SPLITS, reading
from mt_core.sdk import ListedDataset, Listing, list_folders, select_splits, sorted_names, temporary_folder

IMAGINED = {0: {"T1": "left fist", "T2": "right fist"}, 2: {"T1": "both fists", "T2": "both feet"}}  # by run modulo 4
RHYTHMS_HZ = {"alpha": 10.0, "beta": 22.0, "theta": 6.0}


class EegDataset(ListedDataset):
    layouts: ClassVar[dict[str, str]] = {
        "eegmmidb": "S001/S001R04.edf …: imagined movements; subjects to 70 train, to 89 val, to 109 test",
        "folders": "a folder per class, also within train/, val/ and test/",
    }

    @classmethod
    def find(cls, root: Path, split: str) -> Listing | None:
        runs = sorted(root.rglob("S[0-9][0-9][0-9]R[0-9][0-9].edf"))
        cases = [case for run in runs for case in movements(run)]
        if not cases:
            return list_folders(root, split, (".edf",))
        parts = select_splits(split, {part for part, _, _ in cases}, root)
        samples, labels = zip(*(case[1:] for case in cases if case[0] in parts), strict=True)
        return Listing(samples, labels, sorted_names(label for _, _, label in cases), "eegmmidb")

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Rhythms of three frequencies in noise, of several rates, durations and numbers of channels."""
        folder, samples, labels = temporary_folder("eeg"), [], []
        parts = select_splits(split, SPLITS[:3], folder)
        for place in range(size):
            part, number = parts[place % len(parts)], place // len(parts)
            labels.append(sorted(RHYTHMS_HZ)[number % len(RHYTHMS_HZ)])
            samples.append(str(folder / f"{part}_{number}.edf"))
            write(samples[-1], RHYTHMS_HZ[labels[-1]], np.random.default_rng([seed, SPLITS.index(part), number]))
        listing = Listing(samples, labels, tuple(sorted(RHYTHMS_HZ)), "drawn")
        return cls.of(listing, None, source="rhythms drawn for this run, written as .edf (synthetic)")


def movements(run: Path) -> list[tuple[str, tuple[str, float, float], str]]:
    """Split, part of the file, and class of each imagined movement (Schalk et al. 2004)."""
    subject, names = int(run.name[1:4]), IMAGINED.get(int(run.name[5:7]) % 4, {})
    part = "train" if subject <= 70 else "val" if subject <= 89 else "test"
    with reading(run, formats=".edf"), warnings.catch_warnings(action="error"):
        events = edfio.read_edf(run).annotations if names else ()
    return [(part, (str(run), at, for_s or 4.0), names[text]) for at, for_s, text in events if text in names]


def write(file: str, rhythm_hz: float, draw: np.random.Generator) -> None:
    """A recording of 2 to 4 seconds, the rhythm of another strength in each channel."""
    rate, labels = int(draw.choice((100, 160, 256))), ("Fp1", "C3", "Cz", "C4", "O1-Cz", "O2-Cz")[: draw.integers(3, 7)]
    wave_T = np.sin(2 * np.pi * rhythm_hz * np.arange(draw.integers(2, 5) * rate) / rate + draw.uniform(0, 2 * np.pi))
    values_CT = [draw.uniform(5, 20) * wave_T + draw.normal(0, 10, len(wave_T)) for _ in labels]
    signals = zip(values_CT, labels, strict=True)
    edfio.Edf([edfio.EdfSignal(T, rate, label=label, physical_dimension="uV") for T, label in signals]).write(file)
