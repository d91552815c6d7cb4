"""docs/tutorial.ipynb is docs/tutorial.md, executed: python docs/tutorial_notebook.py writes it."""

import importlib.util
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("jupytext")
pytest.importorskip("ipykernel")

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def writing():
    spec = importlib.util.spec_from_file_location("tutorial_notebook", DOCS / "tutorial_notebook.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def written():
    return nbformat.read(DOCS / "tutorial.ipynb", as_version=4)


def test_its_cells_are_those_of_the_page(writing, written):
    made = writing.cells_of((DOCS / "tutorial.md").read_text("utf-8"))
    assert [cell.source for cell in made.cells] == [cell.source for cell in written.cells], (
        "write it again: python docs/tutorial_notebook.py"
    )


def test_it_holds_outputs_and_pictures_and_no_place_on_a_disk(written):
    nbformat.validate(written)
    outputs = [output for cell in written.cells for output in cell.get("outputs", [])]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 2 and not any(output.output_type == "error" for output in outputs)
    said = "\n".join(output.get("text", "") for output in outputs)
    assert "validation accuracy: " in said and "/tmp" not in said and str(Path.home()) not in said
    assert (DOCS / "tutorial.ipynb").stat().st_size < 400_000


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_executed_again_it_prints_the_same_but_for_numbers(writing, written, tmp_path, monkeypatch):
    monkeypatch.setenv("MT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "work").mkdir()
    made = writing.execute(writing.cells_of((DOCS / "tutorial.md").read_text("utf-8")), tmp_path / "work")
    for again, before in zip(writing.stable(made), writing.stable(written), strict=True):
        assert again == before
