import os
import subprocess
import sys
from pathlib import Path

CODE = """
import os
from mt_core.sdk import temporary_folder
folder = temporary_folder("waves")
(folder / "file").write_text("x")
if os.fork() == 0:
    raise SystemExit  # runs the exit functions of a process that did not make the folder
os.wait()
print(folder, (folder / "file").exists())
"""


def test_a_temporary_folder_goes_with_the_process_that_made_it_and_not_with_its_children():
    ran = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, env=os.environ)
    folder, is_there = ran.stdout.split()
    assert "mt-waves-" in folder and is_there == "True"
    assert not Path(folder).exists()
