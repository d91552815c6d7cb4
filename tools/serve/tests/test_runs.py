"""Which runs share an encoder, and what they are called."""

import pytest

from mt_core.errors import OptionError, RunError
from mt_serve.refusals import Refusal
from mt_serve.runs import load_runs


def test_runs_of_one_encoder_hold_the_very_same_tensors(runs):
    first, *others = [next(run.model.encoder.blocks.parameters()) for run in runs]
    assert all(other is first for other in others)
    assert len(runs.fingerprints) == 1


def test_a_run_whose_encoder_was_changed_has_its_own(run_folders, tmp_path):
    import json
    import shutil

    import torch
    from safetensors.torch import save_file

    from mt_core.encoder import load_encoder

    shutil.copytree(run_folders["words"], tmp_path / "full")
    changed = {name: tensor + 0.01 for name, tensor in load_encoder(None).state_dict().items()}
    save_file({name: tensor.contiguous() for name, tensor in changed.items()}, tmp_path / "full/encoder.safetensors")
    record = json.loads((tmp_path / "full/run.json").read_text())
    record["recipe"]["tune"] = "full"
    (tmp_path / "full/run.json").write_text(json.dumps(record))
    shared, own = load_runs([str(run_folders["people"]), str(tmp_path / "full")])
    assert shared.model.encoder.fingerprint != own.model.encoder.fingerprint
    first, second = (next(run.model.encoder.blocks.parameters()) for run in (shared, own))
    assert not torch.equal(first, second)


def test_a_run_is_called_by_its_folder_or_as_the_user_says(run_folders):
    named = load_runs([str(run_folders["words"]), f"other={run_folders['words']}"])
    assert list(named.by_name) == ["words", "other"]


def test_two_runs_of_one_name_are_refused_with_the_way_out(run_folders):
    with pytest.raises(OptionError, match="two runs are called words") as caught:
        load_runs([str(run_folders["words"]), str(run_folders["words"])])
    assert "mt serve other=" in caught.value.fix


def test_a_folder_that_holds_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="holds no run"):
        load_runs([str(tmp_path)])


def test_a_request_may_leave_out_the_name_of_the_only_run(run_folders):
    alone = load_runs([str(run_folders["words"])])
    assert alone.choose(None).name == "words"


def test_an_unknown_name_is_a_404_that_knows_better(runs):
    with pytest.raises(Refusal, match="did you mean people") as caught:
        runs.choose("poeple")
    assert caught.value.status == 404
