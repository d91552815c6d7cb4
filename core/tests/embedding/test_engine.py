"""An engine computes, and what is written is what is written without one."""

import sys
from types import ModuleType
from typing import ClassVar

import numpy as np
import pyarrow.parquet as pq
import pytest

import mt_core as mt
from mt_core.cli import main
from mt_core.embedding.engine import Here
from mt_core.errors import ContractError, DisabledPluginError, OptionError, PluginError
from mt_core.plugins.engines import list_engines, load_engine

pytestmark = pytest.mark.usefixtures("toy")


class Elsewhere:
    """Computes here, and remembers what it was made with."""

    made_with: ClassVar[list[dict]] = []

    def __init__(self, **options):
        self.made_with.append(options)

    def encode(self, work):
        yield from Here().encode(work)


@pytest.fixture
def brass(tmp_path, monkeypatch):
    """An engine of another distribution; the value is its folder."""
    folder = tmp_path / "site"
    (folder / "mt_brass").mkdir(parents=True)
    (folder / "mt_brass/__init__.py").touch()
    (folder / "mt_brass/engines.toml").write_text('[brass]\nsummary = "A band."\nengine = "mt_brass_code:Elsewhere"\n')
    info = folder / "mt_brass-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mt-brass\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mt.engines]\nbrass = mt_brass:engines.toml\n")
    monkeypatch.syspath_prepend(str(folder))
    code = ModuleType("mt_brass_code")
    code.Elsewhere = Elsewhere
    monkeypatch.setitem(sys.modules, "mt_brass_code", code)
    return folder


@pytest.fixture
def sources(tmp_path) -> list[str]:
    for number in range(5):
        np.save(tmp_path / f"{number}.npy", np.random.default_rng(number).normal(size=12).astype(np.float32))
    return [str(tmp_path / f"{number}.npy") for number in range(5)]


def test_the_command_finds_an_engine_by_its_name(brass, sources, small_encoder_file, tmp_path):
    command = ["embed", "toy", *sources, "--encoder", str(small_encoder_file), "-o"]
    assert main([*command, str(tmp_path / "a.parquet")]) == 0
    more = ["--engine", "brass", "--address", "hall:7", "--num-workers", "3", "--gpus-per-worker", "0.5"]
    assert main([*command, str(tmp_path / "b.parquet"), *more]) == 0
    assert Elsewhere.made_with == [{"address": "hall:7", "num_workers": 3, "gpus_per_worker": 0.5}]
    assert pq.read_table(tmp_path / "a.parquet").equals(pq.read_table(tmp_path / "b.parquet"))


def test_options_of_a_cluster_without_one_are_refused(sources, tmp_path, capsys):
    for option in ("--address", "--gpus-per-worker"):
        assert main(["embed", "toy", *sources, "-o", str(tmp_path / "v.parquet"), option, "1"]) == 2
        assert f"{option} is of a cluster" in capsys.readouterr().err


def test_an_engine_that_breaks_off_leaves_what_came_and_the_next_call_goes_on(sources, small_encoder, tmp_path):
    class Breaking:
        def encode(self, work):
            for number, each in enumerate(Here().encode(work)):
                if number == 2:
                    raise KeyboardInterrupt
                yield each

    model = mt.load("toy", encoder=small_encoder)
    out = tmp_path / "v.parquet"
    with pytest.raises(KeyboardInterrupt):
        mt.embed_files(model, sources, out, num_workers=0, batch_size=2, engine=Breaking())
    assert mt.embed_files(model, sources, out, num_workers=0, batch_size=2).resumed > 0
    assert pq.read_table(out)["source"].to_pylist() == sources


def test_names_that_are_nobodys_ours_or_switched_off(brass, monkeypatch):
    assert "brass" in [engine.name for engine in list_engines()]
    with pytest.raises(OptionError, match="there is no engine 'bras'; did you mean brass"):
        load_engine("bras")
    with pytest.raises(PluginError, match="the engine ray is not installed") as caught:
        load_engine("ray", search=[str(brass)])
    assert caught.value.fix == "pip install mt-ray"
    monkeypatch.setenv("MT_NO_PLUGINS", "1")
    with pytest.raises(DisabledPluginError, match="brass"):
        load_engine("brass")


@pytest.mark.parametrize("toml", ["[brass", "[brass]\nengine = 3", '[brass]\nengine = "mt_brass_code:missing"'])
def test_a_damaged_declaration_is_said_to_be_one(brass, toml):
    (brass / "mt_brass/engines.toml").write_text(toml)
    with pytest.raises(ContractError, match="mt-brass"):
        load_engine("brass")
