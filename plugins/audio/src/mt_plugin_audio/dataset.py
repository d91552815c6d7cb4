"""Labelled recordings: where they lie and what is heard. Files are listed here and read by the tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

from mt_core.errors import OptionError
from mt_core.sdk import FILE_LAYOUTS, Listing, StepsDataset, list_files
from mt_plugin_audio.demo import sounds, write_examples
from mt_plugin_audio.events import find_sound_events
from mt_plugin_audio.layouts import find_digits, find_esc50, find_speech_commands
from mt_plugin_audio.options import AudioDatasetOptions
from mt_plugin_audio.reading import SUFFIXES


class AudioDataset(StepsDataset):
    """Recordings and the classes that they, or their steps, belong to."""

    Options = AudioDatasetOptions
    layouts: ClassVar[dict[str, str]] = {
        "digits": "{digit}_{speaker}_{index}.wav, in recordings/ or not, as the Free Spoken Digit Dataset ships",
        "speech commands": "a folder per word, validation_list.txt and testing_list.txt",
        "esc-50": "meta/esc50.csv with filename, fold and category, and audio/",
        "events": "a table of filename, onset, offset and event_label, as of DCASE; or clip.txt beside clip.wav",
        **FILE_LAYOUTS,
    }
    demo_options: ClassVar[dict[str, Any]] = {"stem": "conv", "patch": 8, "stride": 4}
    kinds = ("classification", "segmentation")

    @classmethod
    def find(cls, root: Path, split: str, *, options: AudioDatasetOptions | None = None) -> Listing | None:
        """The recordings under a folder, or in a table, in one of `layouts`."""
        options = options or AudioDatasetOptions()
        if options.labels == "steps" or (options.labels is None and options.label is None and root.is_dir()):
            if events := find_sound_events(root, split, options):
                return events
        if root.is_dir() and options.label is None:
            if digits := find_digits(root, split, options.held_out_speaker):
                return digits
            if options.held_out_speaker is not None:
                raise OptionError(f"{root} is in no layout that names its speakers", fix="leave held_out_speaker out")
            if found := find_speech_commands(root, split) or find_esc50(root, split, options.fold or 5):
                return found
        return list_files(root, split, SUFFIXES, options)

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Tones, chirps, trills and bursts of noise, as .wav, .flac and .ogg of 8 to 44.1 kHz; `size` is a split's."""
        return cls.of(sounds(split, size, seed), None, source="sounds made for this run (synthetic)")

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)
