"""What a plugin does when it is imported and made is seen wherever it does it."""

import pytest

from .broken_importing import ASKING, on_import
from .conftest import Change, result_of

NETWORK, WRITING = "importing_needs_no_network", "importing_writes_nothing"
DOCSTRING = 'of any number of channels."""\n'
MADE = 'self.register_buffer("scale"'
INDENTED = "\n".join(f"        {line}" for line in ASKING.splitlines()).strip()

AT_ONCE = "import socket\n\nsocket.create_connection(('127.0.0.1', 9))\n"
FAULTS = {
    "network when the package is imported": (NETWORK, [Change("__init__.py", DOCSTRING, DOCSTRING + ASKING)], "127.0"),
    "network when a module is imported": (NETWORK, [on_import(ASKING)], "127.0"),
    "network in a module that only reading imports": (NETWORK, [Change("late.py", "", ASKING)], "127.0"),
    "network in __init__": (NETWORK, [Change("tokenizer.py", MADE, f"{INDENTED}\n        {MADE}")], "127.0"),
    "network without which nothing works": (NETWORK, [Change("late.py", "", AT_ONCE)], "127.0"),
    "a file in the current folder": (WRITING, [on_import("open('seen', 'w').close()")], "seen was written"),
    "another working directory": (WRITING, [on_import("import os", "os.chdir('/')")], "the working directory became /"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_reported(fault, specimen, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    name, changes, message = FAULTS[fault]
    specimen(*changes)
    result = result_of(name)
    assert (result.outcome, message in result.message) == ("failed", True), result.message


def test_a_temporary_file_is_none_of_them(specimen):
    specimen(on_import("import tempfile", "tempfile.TemporaryFile().close()"))
    assert result_of(WRITING).message == ""
