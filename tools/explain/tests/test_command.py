"""mt explain on the command line."""

import json

import pytest
from click.testing import CliRunner

from mt_core.errors import OptionError, RunError
from mt_explain import ExplainError, explain
from mt_explain.command import command


@pytest.fixture
def run_explain(encoder_file):
    """Runs `mt explain …`: exit code, output and standard error; an error of ours is raised."""

    def call(*arguments):
        given = [*(str(each) for each in arguments), "--encoder", str(encoder_file)]
        ran = CliRunner().invoke(command, given, standalone_mode=False)
        if ran.exception is not None:
            raise ran.exception
        return ran.return_value, ran.stdout, ran.stderr

    return call


def test_the_strongest_parts_of_each_sample_with_units_and_shares(run_explain, text_run):
    run, table = text_run
    code, out, _ = run_explain(run, table, "--top", "2", "--method", "occlusion", "--device", "cpu")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith(f"{table}:0  ") and "by occlusion, log-odds, 3 parts (word)" in lines[1]
    assert "word " in lines[2] and "%" in lines[2] and lines[4].strip().startswith("1 more with ")
    assert any(line.startswith(f"{table}:1  ") for line in lines)


def test_json_has_all_parts_of_a_target(run_explain, text_run):
    run, table = text_run
    how = ("--json", "--target", "down", "--samples", "1", "--faithfulness", "--seed", 3)
    code, out, _ = run_explain(run, table, *how)
    record = json.loads(out)
    assert code == 0 and record["target"] == "down" and record["row"] == 0
    assert [part["name"] for part in record["parts"]] == ["a", "good", "unbelievableness"]
    assert record["parts"][1]["spans"]["word"] == {"from": 2.0, "to": 2.0, "unit": ""}
    assert {"gain", "deletion", "random_insertion"} <= record["faithfulness"].keys()


def test_faithfulness_is_told_of_each_sample_and_of_all(run_explain, text_run):
    _, out, _ = run_explain(*text_run, "--faithfulness", "--top", "1")
    assert out.count("  faithfulness: area against random order ") == 2
    assert out.splitlines()[-1].startswith("faithfulness of ") and "over 2 samples" in out and "95% interval" in out


def test_pictures_are_written_whole_into_a_folder(run_explain, text_run, tmp_path):
    _, out, _ = run_explain(*text_run, "--out", tmp_path / "seen", "--samples", "1")
    assert [path.name for path in (tmp_path / "seen").iterdir()] == ["001_texts.png"]
    assert out.splitlines()[-1].strip() == str(tmp_path / "seen/001_texts.png")


def test_what_cannot_be_explained_is_refused(run_explain, text_run, tmp_path):
    run, table = text_run
    with pytest.raises(RunError, match="holds no run"):
        run_explain(tmp_path, table)
    with pytest.raises(OptionError, match="no class called 'sideways'"):
        run_explain(run, table, "--target", "sideways")
    (tmp_path / "file").write_text("")
    with pytest.raises(ExplainError, match="cannot be made"):
        run_explain(run, table, "-o", tmp_path / "file")


def test_a_file_that_cannot_be_read_is_reported_and_the_others_are_explained(run_explain, text_run, tmp_path):
    run, table = text_run
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and no more")
    code, out, err = run_explain(run, tmp_path / "bad.parquet", table, "--samples", "2", "--top", "1")
    assert code == 1 and "bad.parquet" in err and "fix: " in err and out.count("word ") == 2


def test_in_python_explanations_come_one_after_the_other(text_run, encoder_file):
    import mt_core as mt

    model = mt.load_run(text_run[0], encoder=encoder_file)
    first, second = explain(model, ["a good day", "a bad day"], method="gradient")
    assert (first.row, second.row) == (0, 0) and len(first.parts) == 3
    with pytest.raises(OptionError, match="has no head"):
        next(explain(mt.load("text", encoder=encoder_file), ["a"]))
