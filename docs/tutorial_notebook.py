"""docs/tutorial.md as a notebook with its outputs: docs/tutorial.ipynb.

    python docs/tutorial_notebook.py     executes it, which takes a minute, and writes it

The page is the source: its text becomes text, its commands and its Python become cells. The output that the page shows
is left out, since the notebook holds what was printed. Pictures that a command writes are shown below it.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

DOCS = Path(__file__).parent
PAGE, NOTEBOOK = DOCS / "tutorial.md", DOCS / "tutorial.ipynb"

_OUTPUT = re.compile(r"^```output\n.*?^```\n", re.MULTILINE | re.DOTALL)
_INSTALL = re.compile(r"^pip install .*\n", re.MULTILINE)
_WRITTEN = re.compile(r"-o (\S+\.png|\S+/)(?=\s|$)")
_UNSTEADY = re.compile(r"\x1b\[[0-9;]*m|^\w+: \d+(/\d+)? \w+, [\d.]+/s(, \d+ s left)?\n", re.MULTILINE)
"""Colours of a terminal, and how far something was, which a slow machine says more often."""

_KEPT = ("stdout", "stderr")
_HEADER = "---\njupyter:\n  kernelspec:\n    display_name: Python 3\n    language: python\n    name: python3\n---\n\n"


def cells_of(page: str) -> Any:
    """The notebook of a page, not yet executed."""
    page = _INSTALL.sub("", _OUTPUT.sub("", page))
    made = jupytext.reads(_HEADER + page, fmt="md")
    cells = []
    for cell in made.cells:
        cells.append(cell)
        if cell.cell_type != "code":
            continue
        if "# exit code" in cell.source:
            cell.source = cell.source.replace("%%bash", "%%bash --no-raise-error", 1)
        for written in _WRITTEN.findall(cell.source):
            cells.append(nbformat.v4.new_code_cell(_show(written)))
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number}", {}
    return notebook


def _show(written: str) -> str:
    path = f'"{written}"' if written.endswith(".png") else f'next(Path("{written}").glob("*.png"))'
    return f"from IPython.display import Image\n\nImage({path})"


def execute(notebook: Any, folder: Path) -> Any:
    """The notebook with its outputs, executed in an empty folder, without what differs from one execution to the next.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell fails.
    """
    beside = str(Path(sys.executable).parent)  # where the command mt is
    before = os.environ["PATH"]
    os.environ["PATH"] = beside + os.pathsep + before
    try:
        NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}}).execute()
    finally:
        os.environ["PATH"] = before
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs, str(folder))
    notebook.metadata.pop("language_info", None)
    return notebook


def _joined(outputs: list[Any], folder: str) -> list[Any]:
    """Streams put together: how a kernel divides them is chance."""
    streams = {name: "".join(each.text for each in outputs if each.get("name") == name) for name in _KEPT}
    made = [nbformat.v4.new_output("stream", name=name, text=text) for name, text in streams.items() if text]
    for output in outputs:
        if output.output_type == "stream":
            continue
        output.get("data", {}).pop("text/plain", None) if "image/png" in output.get("data", {}) else None
        made.append(output)
    for output in made:
        if "text" in output:
            output.text = _UNSTEADY.sub("", output.text.replace(folder + os.sep, ""))
    return made


def stable(notebook: Any) -> list[tuple[str, str]]:
    """What has to be the same in every execution: sources, and outputs without their numbers."""
    found = []
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        said = [
            each.text if each.output_type == "stream" else ", ".join(sorted(each.get("data", {}))) for each in outputs
        ]
        found.append((cell.source, re.sub(r"[\d.,]*\d\S*", "#", "\n".join(said))))
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        notebook = execute(cells_of(PAGE.read_text("utf-8")), Path(folder).resolve())
    nbformat.write(notebook, NOTEBOOK)
    print(f"{NOTEBOOK}: {len(notebook.cells)} cells, {NOTEBOOK.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
