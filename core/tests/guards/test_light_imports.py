"""What must answer at once imports nothing heavy: neither torch nor pydantic nor numpy nor any plugin."""

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


def test_a_heavy_import_is_caught():
    assert "pydantic" in heavy_after("from mt_core.plugins import Manifest")
