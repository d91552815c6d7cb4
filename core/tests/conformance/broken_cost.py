"""A broken plugin for each check of the family `cost`."""

from .conftest import Change

BROKEN: dict[str, list[Change]] = {
    "preparing_a_sample_costs_less_than_encoding_it": [
        Change("tokenizer.py", "from pathlib import Path\n", "import time\nfrom pathlib import Path\n"),
        Change("tokenizer.py", "def read(self, source):\n", "def read(self, source):\n        time.sleep(0.02)\n"),
    ],
    "reading_takes_memory_in_proportion": [
        Change(
            "tokenizer.py",
            "path = Path(source)\n",
            "path = Path(source)\n        room = np.empty(1 << 27, np.uint8)  # whatever the file  # noqa: F841\n",
        ),
    ],
}
