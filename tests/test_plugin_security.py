"""What runs of a stranger's plugin, and what of a stranger's files: nothing that was not asked for. docs/trust.md tells
the same in words, and names these tests.

The stranger's plugin here leaves a file behind wherever it is imported, and so does whatever is unpickled.
"""

import ast
import json
import pickle
import re
import shutil
import sys
import wave
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import mt_core as mt
from mt_core.cli import main
from mt_core.embedding.vectors import schema_of
from mt_core.errors import ConflictError, ContractError, DisabledPluginError, MtError, UnknownModalityError
from mt_core.plugins import discovery, get, list_modalities, registry
from mt_core.plugins import importing as plugin_imports
from mt_core.plugins.official import OFFICIAL

ROOT = Path(__file__).parents[1]
SOURCES = [ROOT / "core/src", *sorted(ROOT.glob("plugins/*/src")), *sorted(ROOT.glob("tools/*/src"))]

MANIFEST = """
contract = "1.0"
name = "{name}"
summary = "Not what you asked for"
tokenizer = "stranger.code:SonarTokenizer"
dataset = "stranger.code:SonarDataset"
head = "stranger.code:SonarHead"
hooks = "stranger.hooks"
suffixes = [".sonar"]
"""


class Stranger:
    """An installed distribution of somebody else's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = folder / "has-run"

    def claims(self, name: str) -> None:
        """Let it claim a modality."""
        shouts = f"import pathlib; pathlib.Path({str(self.mark)!r}).touch()\n"
        (self.folder / "stranger").mkdir()
        (self.folder / "stranger-1.0.dist-info").mkdir()
        for module in ("__init__", "code", "hooks"):
            (self.folder / "stranger" / f"{module}.py").write_text(shouts)
        (self.folder / "stranger" / "plugin.toml").write_text(MANIFEST.format(name=name))
        metadata = self.folder / "stranger-1.0.dist-info"
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[mt.plugins]\n{name} = stranger:plugin.toml\n")
        registry.reset()

    def has_run(self) -> bool:
        return self.mark.exists()


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """On the path beside all of ours, in a folder to work in, with settings of its own."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for variable in ("MT_PLUGINS", "MT_NO_PLUGINS", "MT_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    yield Stranger(folder)
    registry.reset()
    for module in [name for name in sys.modules if name.partition(".")[0] == "stranger"]:
        del sys.modules[module]


class Code:
    """Whose unpickling leaves a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.fixture(scope="module")
def trained(encoder, tmp_path_factory) -> Path:
    """A run of the tabular plugin."""
    dataset = get("tabular").dataset
    out = tmp_path_factory.mktemp("trained") / "run"
    mt.fit(
        mt.load("tabular", encoder=encoder),
        dataset.demo("train", size=16),
        dataset.demo("val", size=8),
        out=out,
        epochs=1,
        num_workers=0,
    )
    return out


@pytest.fixture
def run(trained, tmp_path) -> Path:
    """A copy of it, to be changed."""
    return shutil.copytree(trained, tmp_path / "run")


def change(run: Path, **changes: object) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, **changes}))


# a plugin that nobody asked for


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["--help"], ["info", "imu"]])
def test_a_plugin_runs_nothing_where_another_or_none_is_asked_for(stranger, arguments, capsys):
    stranger.claims("sonar")
    assert main(arguments) == 0
    assert set(list_modalities()) == {*OFFICIAL, "sonar"} and not stranger.has_run()


def test_embedding_files_of_another_suffix_runs_nothing_of_a_plugin(stranger, encoder, monkeypatch, capsys):
    stranger.claims("sonar")
    monkeypatch.setattr("mt_core.api.load_encoder", lambda name: encoder)
    with wave.open("a.wav", "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(np.arange(8000, dtype="<i2").tobytes())
    assert main(["embed", "a.wav", "-o", "v.parquet", "--num-workers", "1", "-q"]) == 0
    assert not stranger.has_run()
    assert pq.read_table("v.parquet")["modality"].to_pylist() == ["audio"]


def test_the_plugin_would_have_run_where_it_is_asked_for(stranger, capsys):
    stranger.claims("sonar")
    Path("a.sonar").write_bytes(b"ping")
    assert main(["embed", "a.sonar", "-o", "v.parquet"]) == 2
    assert stranger.has_run() and "stranger 1.0: its tokenizer" in capsys.readouterr().err


@pytest.mark.parametrize("modality", OFFICIAL)
def test_a_plugin_that_claims_one_of_our_names_gets_neither_it_nor_a_turn(stranger, modality):
    stranger.claims(modality)
    with pytest.raises(ConflictError, match=rf"mt-plugin-{modality} \S+ and stranger 1\.0 both claim") as caught:
        get(modality)
    assert f'prefer = {{ {modality} = "mt-plugin-{modality}" }}' in caught.value.fix
    assert not stranger.has_run()
    assert get("tabular" if modality != "tabular" else "imu")


# a run folder of a stranger's


def test_a_run_imports_the_plugin_that_it_names_and_no_other(run, stranger, encoder, monkeypatch):
    stranger.claims("sonar")
    imported = set()

    def importing(module: str) -> ModuleType:
        imported.add(module.partition(".")[0])
        return import_module(module)

    monkeypatch.setattr(plugin_imports, "import_module", importing)
    mt.load_run(run, encoder=encoder)
    assert imported == {"mt_plugin_tabular", "mt_core"} and not stranger.has_run()


def test_a_run_of_a_plugin_that_is_not_installed_is_refused_with_the_line_that_installs_it(run, stranger, monkeypatch):
    stranger.claims("sonar")
    monkeypatch.setattr(registry, "discover", partial(discovery.discover, [str(stranger.folder)]))
    registry.reset()
    with pytest.raises(UnknownModalityError) as caught:
        mt.load_run(run)
    assert caught.value.fix == "pip install mt-plugin-tabular"
    assert not stranger.has_run()


def test_a_run_of_a_plugin_that_the_user_blocks_is_refused_and_imports_nothing(run, stranger, monkeypatch):
    stranger.claims("sonar")
    change(run, modality="sonar")
    monkeypatch.setenv("MT_PLUGINS", "tabular")
    registry.reset()
    with pytest.raises(DisabledPluginError, match="MT_PLUGINS=tabular does not name it"):
        mt.load_run(run)
    assert not stranger.has_run()


@pytest.mark.parametrize("modality", ["stranger", "stranger.code", "stranger:code", "../site/stranger", "Sonar"])
def test_a_run_cannot_name_a_module_as_its_modality(run, stranger, modality):
    stranger.claims("sonar")
    change(run, modality=modality)
    with pytest.raises(UnknownModalityError):
        mt.load_run(run)
    assert not stranger.has_run()


def test_a_run_cannot_name_the_class_of_its_head(run, stranger, encoder):
    stranger.claims("sonar")
    plugin = {"distribution": "stranger", "version": "1.0"}
    change(run, head={"class": "stranger.code:SonarHead", "options": {}}, plugin=plugin)
    with pytest.raises(ContractError, match=r"has a head of stranger\.code:SonarHead"):
        mt.load_run(run, encoder=encoder)
    assert not stranger.has_run()


@pytest.mark.parametrize("file", ["weights.safetensors", "encoder.safetensors"])
def test_the_weights_of_a_run_are_not_unpickled(run, tmp_path, file):
    mark = tmp_path / "has-run"
    for content in (pickle.dumps(Code(mark)), None):
        (run / file).write_bytes(content) if content else torch.save({"a": Code(mark)}, run / file)
        with pytest.raises(MtError):
            mt.load_run(run)
    assert not mark.exists()


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".safetensors"])
def test_an_encoder_that_a_run_names_is_not_unpickled(run, tmp_path, suffix):
    mark, file = tmp_path / "has-run", tmp_path / f"encoder{suffix}"
    torch.save({"a": Code(mark)}, file)
    record = json.loads((run / "run.json").read_text())
    change(run, encoder={**record["encoder"], "name": str(file)})
    with pytest.raises(MtError):
        mt.load_run(run)
    assert not mark.exists()


def test_the_checkpoint_of_a_run_that_is_resumed_is_not_unpickled(run, encoder, tmp_path):
    mark = tmp_path / "has-run"
    change(run, status="training")
    (run / "checkpoints").mkdir()
    torch.save({"state_dict": Code(mark)}, run / "checkpoints" / "last.ckpt")
    dataset = get("tabular").dataset
    train, val = dataset.demo("train", size=16), dataset.demo("val", size=8)
    with pytest.raises(mt.RunError, match="cannot be read as weights alone"):
        mt.fit(mt.load("tabular", encoder=encoder), train, val, out=run, resume=True, epochs=1, num_workers=0)
    assert not mark.exists()


def test_what_is_unpickled_would_have_been_noticed(tmp_path):
    pickle.loads(pickle.dumps(Code(tmp_path / "has-run")))
    assert (tmp_path / "has-run").exists()


# a vector file of a stranger's


def hostile_vectors(path: Path, mark: Path) -> None:
    """A file of vectors whose columns say that they are an extension type which is a pickle."""
    code = pickle.dumps(Code(mark))
    extension = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": code}
    metadata = {"mt.encoder_fingerprint": '"x"', "mt.encoder": '"y"', "mt.code": json.dumps(code.hex())}
    columns = schema_of(1, {})
    schema = pa.schema([columns[0].with_metadata(extension), *list(columns)[1:]], metadata)
    pq.write_table(schema.empty_table(), path)


@pytest.mark.filterwarnings("ignore:pyarrow.PyExtensionType")
def test_a_file_of_vectors_is_not_unpickled(encoder, tmp_path):
    mark, out = tmp_path / "has-run", tmp_path / "v.parquet"
    hostile_vectors(out, mark)
    (tmp_path / "a.csv").write_text("a,b\n" + "1,2\n3,4\n5,7\n" * 8)
    with pytest.raises(MtError, match="holds vectors of another encoder"):
        mt.embed_files(mt.load("tabular", encoder=encoder), [tmp_path / "a.csv"], out, num_workers=0)
    assert not mark.exists()


# all sources

PICKLES = {"pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}


def what_could_run(code: str) -> list[str]:
    """The places in a source by which a file could run code."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [name.name for name in node.names]
            found += [f"import {module}" for module in modules if module.partition(".")[0] in PICKLES]
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        said = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        loads_weights = called == "torch.load" or "ckpt_path" in said
        if (
            called in ("eval", "exec", "yaml.load")
            or called.endswith("read_pickle")
            or (loads_weights and said.get("weights_only") != "True")
            or said.get("allow_pickle", "False") != "False"
        ):
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("folder", SOURCES, ids=lambda folder: folder.parent.name)
def test_no_source_can_unpickle_or_run_what_a_file_holds(folder):
    paths = list(folder.rglob("*.py"))
    found = {str(path.relative_to(ROOT)): calls for path in paths if (calls := what_could_run(path.read_text()))}
    # between processes of our own: the conformance suite's, the workers that read samples, and those of a Ray cluster
    own = ("core/src/mt_core/conformance/", "core/src/mt_core/data/messages.py", "tools/ray/src/mt_ray/")
    assert paths and {path: calls for path, calls in found.items() if not path.startswith(own)} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "exec(text)",
        "pandas.read_pickle(path)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=whatever)",
        "np.load(path, allow_pickle=True)",
        "trainer.fit(module, ckpt_path=path)",
        "yaml.load(file)",
    ],
)
def test_a_source_that_could_is_caught(code):
    assert what_could_run(code)


@pytest.mark.parametrize("code", ["torch.load(path, weights_only=True)", "np.load(path)", "re.compile('a')"])
def test_a_source_that_could_not_passes(code):
    assert what_could_run(code) == []


# the page


def named_in(text: str) -> set[str]:
    return set(re.findall(r"`(test_\w+)`", text))


def unknown_tests(text: str) -> set[str]:
    """The tests that a page names and nobody has written."""
    folders = [ROOT / "core/tests", ROOT / "tests", *ROOT.glob("plugins/*/tests")]
    sources = [path.read_text() for folder in folders for path in folder.rglob("test_*.py")]
    return named_in(text) - {name for source in sources for name in re.findall(r"^def (test_\w+)", source, re.M)}


def test_every_test_that_the_page_of_trust_names_is_there():
    page = (ROOT / "docs/trust.md").read_text()
    assert len(named_in(page)) > 30 and unknown_tests(page) == set()


def test_a_test_that_is_not_there_is_caught():
    assert unknown_tests("held by `test_what_nobody_wrote` and `test_a_test_that_is_not_there_is_caught`") == {
        "test_what_nobody_wrote"
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"modality": ["tabular"]},
        {"modality": 5},
        {"encoder": None},
        {"encoder": {"name": "random/vit_tiny_patch16_224", "fingerprint": 5}},
        {"tokenizer": []},
        {"tokenizer": {"options": {}, "calibration": 5, "seed": 0}},
        {"head": 5},
        {"task": {"kind": "nonsense"}},
        {"data": 5},
    ],
    ids=str,
)
def test_a_run_of_another_shape_is_refused_with_its_file(run, encoder, changes):
    change(run, **changes)
    with pytest.raises(mt.RunError, match=r"run\.json"):
        mt.load_run(run, encoder=encoder)


def test_a_run_that_is_nested_without_end_is_refused(run):
    (run / "run.json").write_text('{"format": 1, "x": ' + "[" * 100_000)
    with pytest.raises(mt.RunError, match=r"run\.json cannot be read"):
        mt.load_run(run)


def test_the_encoder_of_a_run_that_trained_it_leaves_a_shared_encoder_as_it_is(run, encoder, tmp_path):
    from safetensors.torch import save_file

    before = encoder.fingerprint
    save_file({name: 2 * tensor for name, tensor in encoder.state_dict().items()}, run / "encoder.safetensors")
    model = mt.load_run(run, encoder=encoder)
    assert model.encoder is not encoder and model.encoder.fingerprint != before
    encoder.verify()
    assert encoder.is_frozen and encoder.fingerprint == before
