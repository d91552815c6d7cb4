"""What must answer at once imports nothing heavy: neither torch nor pydantic nor numpy nor any plugin."""

import ast
import subprocess
import sys

import pytest

HEAVY = {"torch", "pydantic", "numpy", "pyarrow", "rich", "timm", "lightning", "torchmetrics", "einops"}


def heavy_after(code: str) -> list[str]:
    """The heavy packages and the plugins that a new interpreter has imported after running some code."""
    told = "\nimport sys\nprint('\\n' + ' '.join({name.partition('.')[0] for name in sys.modules}))"
    ran = subprocess.run([sys.executable, "-c", code + told], capture_output=True, text=True, check=True)
    packages = ran.stdout.splitlines()[-1].split()
    return sorted(name for name in packages if name in HEAVY or name.startswith("mt_plugin_"))


@pytest.mark.parametrize(
    "code",
    [
        "import mt_core",
        "import mt_core; mt_core.MtError, mt_core.__version__",
        "import mt_core.plugins.discovery as discovery; discovery.discover()",
        "from mt_core.plugins import list_modalities; list_modalities()",
        "from mt_core.hooks import hookimpl",
        "from mt_core.cli import main; main(['list'])",
        "from mt_core.cli import main; main(['list', '--json'])",
        "from mt_core.cli import main; main(['--help'])",
        "from mt_core.cli import main; main(['--version'])",
        "from mt_core.cli import main; main(['nonsense'])",
        "from mt_core.cli import main; main(['--no-plugins', 'info', 'image'])",
    ],
)
def test_it_imports_nothing_heavy(code):
    assert heavy_after(code) == []


@pytest.fixture
def in_a_folder(tmp_path, monkeypatch):
    """With a picture, a text file, a folder that holds something else than a run, and labelled pictures."""
    for file in ("one.jpg", "notes.txt", "used/notes.txt", "pictures/cat/1.jpg"):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not looked at")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("in_a_folder")
@pytest.mark.parametrize(
    "line",
    [
        "embed imag one.jpg -o v.parquet",
        "embed image *.png -o v.parquet",
        "embed image -o v.parquet",
        "embed image one.jpg -o used",
        "embed image one.jpg -o notes.txt",
        "embed image one.jpg -o v.parquet --encoder mt_tiny",
        "embed image one.jpg -o v.parquet --encoder random/vit_tiny_patch16_224@x",
        "embed image one.jpg -o v.parquet --encoder missing.safetensors",
        "embed image one.jpg -o v.parquet -O size",
        "embed image one.jpg -o v.parquet --pool middle",
        "embed one.jpg notes.txt -o v.parquet",
        "embed image one.jpg -o v.xlsx",
        "train image --data missing --out run",
        "train image --data pictures --out used",
        "train image --data pictures --out run --resume",
        "train image --data pictures --out run --epochs 0",
        "train imag --data pictures --out run",
        "train image --data pictures --out run --encoder mt_tiny",
        "evaluate used --data pictures",
        "predict used one.jpg",
    ],
)
def test_a_refusal_imports_nothing_heavy(line):
    assert heavy_after(f"from mt_core.cli import main; assert main({line.split()}) == 2") == []


def test_the_contract_and_the_folders_below_are_imported_lightly():
    code = "import mt_core.contract, mt_core.encoder, mt_core.embedding, mt_core.training, mt_core.hooks"
    assert heavy_after(code) == []


NOT_NEEDED = ["timm", "torchvision", "torch._dynamo", "lightning", "torchmetrics", "peft", "pandas", "huggingface_hub"]


def not_needed_after(code, more=()):
    """The modules of `NOT_NEEDED`, and more, that a new interpreter has imported after running some code."""
    told = f"\nimport sys\nprint([name for name in {[*NOT_NEEDED, *more]} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code + told], capture_output=True, text=True, check=True)
    return ast.literal_eval(ran.stdout.splitlines()[-1])


def test_embedding_a_picture_imports_only_what_it_needs(tmp_path, monkeypatch):
    pytest.importorskip("mt_plugin_image")
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (32, 32)).save("one.jpg")
    code = "from mt_core.cli import main; assert main('embed image one.jpg -q -o v.parquet'.split()) == 0"
    assert not_needed_after(code) == []


@pytest.mark.parametrize("modality", ["image", "tabular", "timeseries"])
def test_a_folder_that_cannot_be_trained_on_is_refused_before_an_encoder_is_loaded(modality, tmp_path, monkeypatch):
    pytest.importorskip(f"mt_plugin_{modality}")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    line = f"train {modality} --data empty --out run"
    code = f"from mt_core.cli import main; assert main({line.split()}) == 2"
    assert not_needed_after(code, ["mt_core.encoder.catalog"]) == []  # an encoder is loaded from the catalogue


@pytest.mark.slow
def test_an_import_that_is_not_needed_is_caught():
    assert "torchvision" in not_needed_after("import torchvision")


def test_a_heavy_import_is_caught():
    assert "pydantic" in heavy_after("from mt_core.plugins import Manifest")
