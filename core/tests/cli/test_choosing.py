"""`mt embed FILES` without a modality."""

from pathlib import Path

import pytest

from mt_core.cli.choosing import modality_and_files
from mt_core.errors import InputError, OptionError
from mt_core.plugins.discovery import PluginMetadata


def plugin(name: str, *suffixes: str) -> PluginMetadata:
    manifest = {"contract": "1.0", "name": name, "summary": name, "suffixes": list(suffixes)}
    return PluginMetadata(name, f"fake-{name}", "1.0", Path("plugin.toml"), manifest)


@pytest.fixture(autouse=True)
def files(install, tmp_path, monkeypatch) -> Path:
    install(plugin("sound", ".wav"), plugin("table", ".csv", ".csv.gz"), plugin("motion", ".csv", ".ts"))
    monkeypatch.chdir(tmp_path)
    for name in ("a.wav", "b.WAV", "c.csv", "d.ts", "e.md", "sound.wav", "folder/f.wav", "run/run.json", "mixed/g.ts"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("x")
    Path("mixed/h.wav").write_text("x")
    return tmp_path


@pytest.mark.parametrize(
    ("named", "modality"),
    [
        (["a.wav", "b.WAV"], "sound"),
        (["*.wav"], "sound"),
        (["folder"], "sound"),
        (["c.csv", "d.ts"], "motion"),  # of both, only one reads the second
        (["d.ts"], "motion"),
    ],
)
def test_suffixes_tell_the_modality_where_one_plugin_reads_them_all(named, modality):
    assert modality_and_files(named) == (modality, tuple(named))


@pytest.mark.parametrize("first", ["sound", "table", "image", "run", "nonsense"])
def test_a_modality_or_a_run_that_is_named_stands(first):
    assert modality_and_files([first, "a.wav"]) == (first, ("a.wav",))


def test_candidates_are_named_where_several_read_them():
    with pytest.raises(OptionError, match=r"may be of 2 modalities: table, motion\n.*mt embed table c\.csv"):
        modality_and_files(["c.csv"])


def test_a_person_at_a_terminal_is_asked(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda text, type, err: type.choices[1])
    assert modality_and_files(["c.csv"])[0] == "motion"


def test_files_that_nobody_reads_are_told():
    with pytest.raises(OptionError, match=r"no installed plugin reads e\.md"):
        modality_and_files(["a.wav", "e.md"])


def test_files_of_several_modalities_are_told_apart_and_a_folder_of_them_is_sorted():
    with pytest.raises(OptionError, match=r"(?s)sound.*--by-suffix") as caught:
        modality_and_files(["a.wav", "d.ts"])
    assert "motion" in caught.value.problem
    assert modality_and_files(["mixed"]) == ("", ("mixed",))


def test_a_pattern_that_matches_nothing_is_told():
    with pytest.raises(InputError, match="matches no file"):
        modality_and_files(["*.flac"])


def test_a_run_without_files_is_told_by_the_command(mt):
    ran = mt("embed", "run", "-o", "v.parquet")
    assert ran.code == 2 and "mt embed run FILES" in ran.err


def test_a_name_that_is_nobodys_is_told_before_that_there_are_no_files(mt):
    ran = mt("embed", "sonud", "-o", "v.parquet")
    assert ran.code == 2 and "did you mean sound?" in ran.err
