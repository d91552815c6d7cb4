"""A plugin that lives outside this repository's layout: `thirdparty/mt-plugin-eeg`, as a stranger would write it."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import mt_core as mt
from mt_core.plugins import list_plugins, registry

pytest.importorskip("edfio", reason="edfio reads the third party's files")

EEG = Path(__file__).parent / "thirdparty" / "mt-plugin-eeg"
ROOT = Path(__file__).parents[1]
UV = shutil.which("uv") or str(ROOT / ".uv/bin/uv")

PUBLIC = (
    "mt_core.contract",
    "mt_core.sdk",
    "mt_core.heads",
    "mt_core.sdk.blocks",
    "mt_core.errors",
    "mt_core.conformance",
)
"""What a plugin may import, with `mt_core.hooks.hookimpl`; its tests also `mt_core` itself."""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder in which the plugin's distribution is found as if it were installed."""
    site = tmp_path_factory.mktemp("site")
    record = site / "mt_plugin_eeg-0.1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: mt-plugin-eeg\nVersion: 0.1.0\n")
    (record / "entry_points.txt").write_text("[mt.plugins]\neeg = mt_plugin_eeg:plugin.toml\n")
    shutil.copytree(EEG / "src/mt_plugin_eeg", site / "mt_plugin_eeg", ignore=shutil.ignore_patterns("__pycache__"))
    return site


@pytest.fixture
def eeg(site, monkeypatch, tmp_path) -> Iterator[registry.Plugin]:
    """The plugin, loaded from there; afterwards it is as if it had never been."""
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("MT_CACHE", str(tmp_path / "cache"))
    registry.reset()
    yield registry.get("eeg")
    registry.reset()
    for name in [name for name in sys.modules if name.partition(".")[0] == "mt_plugin_eeg"]:
        del sys.modules[name]


def forbidden(source: str, allowed: tuple[str, ...] = PUBLIC) -> list[str]:
    """The names of mt-core and of other plugins that a module imports without their being for it."""
    taken = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            taken += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            taken += [f"{node.module}.{name.name}" for name in node.names]
    return [
        name
        for name in taken
        if name.startswith("mt_")
        and name.partition(".")[0] != "mt_plugin_eeg"
        and name != "mt_core.hooks.hookimpl"
        and not any(name == module or name.rpartition(".")[0] == module for module in allowed)
    ]


@pytest.mark.parametrize("path", sorted(EEG.rglob("*.py")), ids=lambda path: path.name)
def test_third_party_uses_the_public_api_alone(path):
    assert forbidden(path.read_text(), PUBLIC if EEG / "src" in path.parents else (*PUBLIC, "mt_core")) == []


@pytest.mark.parametrize(
    "line",
    [
        "from mt_core.encoder import Encoder",
        "import mt_core.training.fitting",
        "from mt_core.plugins import get",
        "from mt_core.contract.padding import pad_and_stack",
        "def late():\n    from mt_plugin_imu.resampling import resampled",
    ],
)
def test_other_imports_are_caught(line):
    assert len(forbidden(f"import torch\nfrom mt_core.contract import Tokens\n{line}")) == 1


def test_third_party_is_short():
    lines = [line for path in (EEG / "src").rglob("*.py") for line in path.read_text().splitlines()]
    assert sum(1 for line in lines if line.strip() and not line.strip().startswith("#")) < 150


def test_third_party_is_listed_and_loaded(eeg):
    (listed,) = [each for each in list_plugins() if each.name == "eeg"]
    assert (listed.state, str(listed)) == ("installed", "mt-plugin-eeg 0.1.0")
    assert eeg.manifest.suffixes == (".edf",)


def test_third_party_turns_files_into_vectors(eeg, encoder):
    test = eeg.dataset.demo("test", size=6)
    vectors = torch.from_numpy(mt.embed(mt.load("eeg", encoder=encoder), [test[index].sample for index in range(6)]))
    distances = torch.cdist(vectors, vectors) + 1e9 * torch.eye(6)
    assert vectors.shape == (6, 2 * 4 * encoder.width) and distances.min() > 1e-3


def test_third_party_learns_and_its_metric_is_told(eeg, encoder):
    model = mt.load("eeg", encoder=encoder)
    trained = mt.fit(model, eeg.dataset.demo(size=48), epochs=3, batch_size=8, num_workers=0)
    measured = mt.evaluate(model, eeg.dataset.demo("test", size=24), num_workers=0)
    assert measured["accuracy"] > trained.baseline["accuracy"] + 0.3  # a third, for whoever knows nothing
    assert measured["kappa"] == pytest.approx(1.5 * measured["accuracy"] - 0.5, abs=1e-4)  # three classes, equally many


def test_third_partys_hook_acts_on_tokens(eeg, encoder):
    """Of two channels one is loose: with the hook its tokens are not looked at, without it they are."""
    model = mt.load("eeg", encoder=encoder)
    sound = 20 * torch.randn(1, 256, generator=torch.Generator().manual_seed(0))
    samples = [(sound.numpy(), ["C3"]), (torch.cat([sound, torch.zeros(1, 256)]).numpy(), ["C3", "C4"])]
    with torch.inference_mode():
        batches = [model.tokenizer.collate([model.tokenizer.prepare(model.tokenizer.read(each))]) for each in samples]
        hooked = [model.encode(batch).pooled for batch in batches]
        bare = [model.encoder(model.tokenizer(batch)).pooled for batch in batches]
    torch.testing.assert_close(*hooked, atol=1e-4, rtol=1e-4)
    assert (bare[0] - bare[1]).abs().max() > 1e-2


def test_third_partys_samples_are_an_input_of_items_beside_a_text(eeg, encoder):
    test = eeg.dataset.demo("test", size=6)
    items = [{"waves": test[at].sample, "note": f"patient {at} was awake" if at % 2 else None} for at in range(6)]
    targets = [test[at].target for at in range(6)]
    model = mt.load({"waves": "eeg", "note": "text"}, encoder=encoder)
    mt.fit(model, items, targets, task="classification", tune="probe", val_fraction=0.4, num_workers=0)
    found = mt.predict(model, items)
    assert [each["inputs"] for each in found[:2]] == [["waves"], ["waves", "note"]]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_third_partys_wheel_passes_its_own_tests_beside_the_cores(tmp_path):
    for folder in (ROOT / "core", EEG):
        run(UV, "build", "--wheel", "--out-dir", str(tmp_path / "wheels"), str(folder))
    core, plugin = sorted((tmp_path / "wheels").glob("*.whl"))
    python = tmp_path / "venv/bin/python"
    run(UV, "venv", "--python", sys.executable, str(tmp_path / "venv"))
    run(UV, "pip", "install", "--python", str(python), f"mt-core[testing] @ {core.as_uri()}", str(plugin))
    assert "eeg" in run(str(python.with_name("mt")), "list")
    shutil.copytree(EEG / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    told = run(str(python), "-m", "pytest", "-q", "tests", cwd=tmp_path)
    assert " passed" in told and " failed" not in told


def run(*command: str, cwd: Path | None = None) -> str:
    """What a command says; it fails the test where it fails."""
    kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(command, capture_output=True, text=True, env={**kept, "OMP_NUM_THREADS": "1"}, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
