"""Sound and film of the same sentences, from real files."""

import os
from pathlib import Path

import pytest

from mt_core import cli

SENTENCES = {"bbaf2n": "bin", "lbax4n": "lay", "lrwp9a": "lay", "pwij3p": "place", "sbwe5n": "set"}


def remux(av, path, out):
    """The film in a container that is read, as `ffmpeg -c copy` does it."""
    with av.open(str(path)) as container, av.open(str(out), "w") as made:
        film = container.streams.video[0]
        own = made.add_stream_from_template(film)
        for packet in container.demux(film):
            if packet.dts is not None:
                packet.stream = own
                made.mux(packet)


@pytest.mark.slow
def test_sound_and_film_are_two_inputs_of_a_clip(tmp_path, capsys):
    """The sound of each film is written as a file of its own; what is asked is whether the command is "lay"."""
    av = pytest.importorskip("av")
    soundfile = pytest.importorskip("soundfile")
    if "MT_DATA" not in os.environ:
        pytest.skip("MT_DATA names no folder of real data")
    films = Path(os.environ["MT_DATA"], "paired", "GRID_lip")
    rows = ["film,sound,lay"]
    for name, command in SENTENCES.items():
        with av.open(str(films / f"{name}.mpg")) as container:
            frames = [frame.to_ndarray().mean(0) for frame in container.decode(audio=0)]
            rate = container.streams.audio[0].rate
        soundfile.write(tmp_path / f"{name}.wav", [sample for frame in frames for sample in frame], rate)
        remux(av, films / f"{name}.mpg", tmp_path / f"{name}.mkv")
        rows.append(f"{name}.mkv,{name}.wav,{'yes' if command == 'lay' else 'no'}")
    table = tmp_path / "clips.csv"
    table.write_text("\n".join(rows) + "\n")
    given = [
        "--inputs",
        "film=video,sound=audio",
        "--target",
        "lay",
        "--tune",
        "probe",
        "-S",
        "val_fraction=0.4",
        "-S",
        "test_fraction=0",
        "-q",
    ]
    assert cli.main(["train", "--data", str(table), "--out", str(tmp_path / "run"), *given, "--num-workers", "0"]) == 0
    capsys.readouterr()
    assert cli.main(["predict", str(tmp_path / "run"), str(table), "--num-workers", "0"]) == 0
    assert capsys.readouterr().out.count("(film, sound)") == 5
