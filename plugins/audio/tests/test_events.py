"""When what is heard: tables of events, label tracks, and the steps of recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import mt_core as mt
from mt_core.cli import main
from mt_core.contract import Segmentation
from mt_core.errors import DatasetError, OptionError
from mt_plugin_audio.dataset import AudioDataset
from mt_plugin_audio.tokenizer import AudioOptions, AudioTokenizer

HZ = 16_000
DCASE = "filename\tonset\toffset\tevent_label\n"
AUDIOSET = "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"


def clip(path: Path, seconds: float = 2.0, events: tuple[tuple[float, float, float], ...] = (), seed: int = 0) -> Path:
    """Quiet noise, and tones (start, end, Hz)."""
    samples = np.random.default_rng(seed).normal(size=round(seconds * HZ)) * 0.01
    times = np.arange(len(samples)) / HZ
    for start, end, hz in events:
        is_on = (times >= start) & (times < end)
        samples[is_on] += 0.5 * np.sin(2 * np.pi * hz * times[is_on])
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples.astype(np.float32), HZ)
    return path


def steps_of(dataset: AudioDataset) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for target, group in zip((each.target for each in dataset), dataset.groups(), strict=True):
        found.setdefault(group, []).extend(dataset.task.classes[code] for code in target.tolist())
    return found


def expected(seconds: float, *events: tuple[float, float, str], step: float = 0.05) -> list[str]:
    """The class at the middle of each step, looked up event by event."""
    middles = [(number + 0.5) * step for number in range(round(seconds / step))]
    return [next((name for start, end, name in events if start <= middle < end), "none") for middle in middles]


@pytest.mark.parametrize("header", [DCASE, AUDIOSET, DCASE.replace("\t", ",")])
def test_steps_have_the_event_in_whose_time_their_middle_lies(tmp_path, header):
    clip(tmp_path / "audio" / "a.wav")
    clip(tmp_path / "audio" / "b.wav", 1.0)
    name = "a" if header == AUDIOSET else "audio/a.wav"
    rows = [
        [name, "0.5", "0.8", "dog"],
        [name, "1.23", "2.0", "cat"],
        [name.replace("a.", "b.") if "." in name else "b", "", "", ""],
    ]
    mark = "," if "," in header else "\t"
    (tmp_path / "events.tsv").write_text(header + "".join(mark.join(row) + "\n" for row in rows))
    with pytest.warns(match="found") if header == AUDIOSET else np.errstate():
        dataset = AudioDataset.open(tmp_path)
    assert dataset.task == Segmentation(classes=("none", "cat", "dog"), background=0)
    assert dataset.tokenizer_options() == {"labels": "steps"}
    assert steps_of(dataset) == {
        "audio/a.wav": expected(2.0, (0.5, 0.8, "dog"), (1.23, 2.0, "cat")),
        "audio/b.wav": expected(1.0),
    }


def test_a_label_track_beside_each_recording_is_read(tmp_path):
    clip(tmp_path / "a.wav")
    clip(tmp_path / "b.wav", 1.0)
    (tmp_path / "a.txt").write_text("0.100000\t0.300000\tdog\n\\\t100.0\t4000.0\n1.0\t1.5\tcat\n")
    (tmp_path / "b.txt").write_text("")
    dataset = AudioDataset.open(tmp_path)
    assert steps_of(dataset) == {
        "a.wav": expected(2.0, (0.1, 0.3, "dog"), (1.0, 1.5, "cat")),
        "b.wav": expected(1.0),
    }


def test_splits_are_those_of_the_tables_names_and_folders(tmp_path):
    for split, part in (("train", "train"), ("validation", "val"), ("eval", "test")):
        clip(tmp_path / "audio" / split / f"{part}.wav")
        (tmp_path / "metadata").mkdir(exist_ok=True)
        (tmp_path / "metadata" / f"{split}.tsv").write_text(f"{DCASE}{part}.wav\t0.5\t1\tdog\n")
    for part in ("train", "val", "test"):
        with pytest.warns(match="found in other folders"):
            dataset = AudioDataset.open(tmp_path, part)
        assert [Path(name).stem for name in steps_of(dataset)] == [part]


def table(root: Path, *rows: str, header: str = DCASE) -> Path:
    clip(root / "a.wav")
    (root / "events.tsv").write_text(header + "".join(f"{row}\n" for row in rows))
    return root


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a.wav\t1\t0.5\tdog"], r"row 1: dog from 1 s to 0\.5 s ends before it starts"),
        (["a.wav\t1\t1\tdog"], r"row 1: dog at 1 s has no length"),
        (["a.wav\t1\t3\tdog"], r"not within .*a\.wav, which lasts from 0 s to 2 s"),
        (["a.wav\t0\t1\tdog", "a.wav\t0.5\t1.5\tcat"], r"a\.wav: dog \(0 s to 1 s, .*row 1\) and cat .* overlap"),
        (["a.wav\tsoon\t1\tdog"], r"row 1: 'soon' is no time"),
        (["a.wav\t0\t1\t"], r"row 1: an event without a label"),
        (["gone.wav\t0\t1\tdog"], r"files that do not exist.*gone\.wav"),
    ],
)
def test_events_that_cannot_be_are_refused(tmp_path, rows, message):
    with pytest.raises(DatasetError, match=message):
        AudioDataset.open(table(tmp_path, *rows))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("filename,onset,duration,event_label",
                     marks=pytest.mark.foreign_file("onset and duration", "BIDS, annotation tools", "read")),
        pytest.param("filename,onset_ms,offset_ms,label",
                     marks=pytest.mark.foreign_file("onset_ms and offset_ms", "annotation tools", "read: seconds")),
    ],
)  # fmt: skip
def test_durations_and_milliseconds_are_read(tmp_path, header):
    clip(tmp_path / "a.wav")
    row = "a.wav,500,1250,dog" if "_ms" in header else "a.wav,0.5,0.75,dog"
    (tmp_path / "events.csv").write_text(f"{header}\n{row}\n")
    assert steps_of(AudioDataset.open(tmp_path)) == {"a.wav": expected(2.0, (0.5, 1.25, "dog"))}


@pytest.mark.foreign_file("onset without an end", "onset detection", "refused: names the column")
def test_a_table_of_events_that_lacks_a_column_is_named(tmp_path):
    table(tmp_path, "a.wav\t1\tdog", header="filename\tonset\tevent_label\n")
    with pytest.raises(DatasetError, match=r"events\.tsv has .*without the column offset or duration"):
        AudioDataset.open(tmp_path)


@pytest.mark.foreign_file("labels of points, start = end", "Audacity", "refused: names the line")
def test_a_label_of_a_point_in_time_has_no_length(tmp_path):
    clip(tmp_path / "a.wav")
    (tmp_path / "a.txt").write_text("0.500000\t0.500000\tdog\n")
    with pytest.raises(DatasetError, match=r"a\.txt, line 1: dog at 0\.5 s has no length"):
        AudioDataset.open(tmp_path)


def test_classes_that_overlap_can_be_chosen_among(tmp_path):
    table(tmp_path, "a.wav\t0\t1\tdog", "a.wav\t0.5\t1.5\tcat")
    dataset = AudioDataset.open(tmp_path, options=AudioDataset.Options(events=("cat",)))
    assert steps_of(dataset) == {"a.wav": expected(2.0, (0.5, 1.5, "cat"))}
    with pytest.raises(OptionError, match="no event 'cow'"):
        AudioDataset.open(tmp_path, options=AudioDataset.Options(events=("cow",)))


def test_recordings_that_no_list_names_are_left_out_unless_nothing_is_heard_in_them(tmp_path):
    clip(table(tmp_path, "a.wav\t0\t1\tdog") / "b.wav", 1.0)
    with pytest.warns(match=r"1 recordings that no list of events names: b\.wav"):
        assert set(steps_of(AudioDataset.open(tmp_path))) == {"a.wav"}
    kept = AudioDataset.open(tmp_path, options=AudioDataset.Options(unlisted="none"))
    assert steps_of(kept)["b.wav"] == expected(1.0)


def test_a_file_in_two_splits_is_refused(tmp_path):
    for split in ("train", "test"):
        (table(tmp_path, "a.wav\t0\t1\tdog") / "events.tsv").rename(tmp_path / f"{split}.tsv")
    with pytest.raises(DatasetError, match=r"a\.wav is in te?.* and in t"):
        AudioDataset.open(tmp_path)


def test_events_that_are_asked_for_and_not_there_are_reported(tmp_path):
    clip(tmp_path / "dog" / "a.wav")
    with pytest.raises(DatasetError, match="has no list of events"):
        AudioDataset.open(tmp_path, options=AudioDataset.Options(labels="steps"))
    with pytest.raises(OptionError, match="group=file"):
        AudioDataset.open(table(tmp_path, "a.wav\t0\t1\tdog"), options=AudioDataset.Options(group="folder"))
    with pytest.raises(OptionError, match="view=picture"):
        AudioOptions.parse({"view": "picture", "labels": "steps"})


@pytest.mark.parametrize("step_ms", [10, 50, 200])
@pytest.mark.parametrize("seconds", [0.3, 1.0, 3.37])
def test_windows_of_a_long_recording_have_its_steps_once(tmp_path, seconds, step_ms):
    clip(tmp_path / "a.wav", seconds)
    (tmp_path / "events.tsv").write_text(f"{DCASE}a.wav\t0.1\t0.2\tdog\n")
    options = {"labels": "steps", "max_seconds": 1.0, "step_ms": step_ms}
    dataset = AudioDataset.open(tmp_path, options=AudioDataset.Options(**options))
    tokenizer = AudioTokenizer(8, AudioOptions(**options))
    listed = [tokenizer.prepare(tokenizer.read(each.sample)) for each in dataset]
    streamed = [tokenizer.prepare(window) for window in tokenizer.stream(tmp_path / "a.wav")]
    for one, other, target in zip(listed, streamed, (each.target for each in dataset), strict=True):
        assert torch.equal(one["when"], other["when"]) and torch.equal(one["frames"], other["frames"])
        assert len(target) == len(one["when"]) == len(one["places"])
    starts = torch.cat([item["when"][:, 0] for item in streamed])
    assert starts.tolist() == [number * step_ms * 1000 for number in range(len(starts))]
    assert int(streamed[-1]["when"][-1, 1]) == pytest.approx(seconds * 1e6, abs=step_ms * 110)
    # a step and the patch over its middle are at one place
    tokens = tokenizer(tokenizer.collate([streamed[0]]))
    middle_s = streamed[0]["when"].double().mean(1) / 1e6
    strides = tokens.side["places"][0, :, 0].double() * 0.1
    torch.testing.assert_close(strides[:-1], middle_s[:-1], atol=1e-3, rtol=0)
    assert tokens.coords[0, 0, 0].item() == pytest.approx(0.8)  # of a patch of 160 ms, in strides of 100 ms


def test_training_moves_no_step():
    tokenizer = AudioTokenizer(8, AudioOptions(labels="steps", gain_db=0, mask=0))
    samples = (np.random.default_rng(0).normal(size=HZ).astype(np.float32) * 0.1, HZ)
    plain = tokenizer.prepare(next(tokenizer.stream(samples)))
    trained = tokenizer.prepare(next(tokenizer.stream(samples)), torch.Generator().manual_seed(0))
    assert all(torch.equal(plain[name], trained[name]) for name in plain)


@pytest.mark.slow
def test_planted_tones_are_found_by_a_short_training_and_predicted_in_seconds(tmp_path, capsys):
    draw = np.random.default_rng(0)
    rows = []
    for number in range(16):
        start, hz = float(draw.uniform(0.2, 1.2)), (440.0, 2000.0)[number % 2]
        clip(tmp_path / "data" / f"{number}.wav", 2.0, ((start, start + 0.6, hz),), number)
        rows.append(f"{number}.wav\t{start:.3f}\t{start + 0.6:.3f}\t{'low' if hz < 1000 else 'high'}\n")
    (tmp_path / "data" / "events.tsv").write_text(DCASE + "".join(rows))
    new = clip(tmp_path / "new.wav", 3.0, ((0.5, 1.1, 440.0), (1.9, 2.5, 2000.0)), 99)
    run = str(tmp_path / "run")
    settings = ["--epochs", "12", "--batch-size", "4", "--lr", "5e-3", "-O", "stem=conv", "--num-workers", "0", "-q"]
    chosen = ["-D", "step_ms=50", "-D", "unlisted=none", "-D", "events=low,high"]
    assert main(["train", "audio", "--data", str(tmp_path / "data"), "--out", run, *settings, *chosen]) == 0
    (record,) = mt.predict(mt.load_run(run), [new])
    long = [each for each in record["prediction"] if each["end"] - each["start"] > 0.2]
    assert [each["class"] for each in long] == ["low", "high"]
    for found, (start, end) in zip(long, ((0.5, 1.1), (1.9, 2.5)), strict=True):
        assert (found["start"], found["end"]) == (pytest.approx(start, abs=0.2), pytest.approx(end, abs=0.2))
    capsys.readouterr()
    assert main(["predict", run, str(new), "--num-workers", "0"]) == 0
    assert "new.wav  low 0." in capsys.readouterr().out
