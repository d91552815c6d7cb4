"""A broken plugin for each check of the family `persistence`."""

from .conftest import Change

BUFFERS = 'self.register_buffer("scale", torch.ones(()))\n'


def at_first(text: str) -> Change:
    return Change("tokenizer.py", BUFFERS, f"{BUFFERS}        {text}\n")


BROKEN: dict[str, list[Change]] = {
    "options_survive_json": [Change("tokenizer.py", "ge=0, description", "ge=0, exclude=True, description")],
    "state_survives_a_save_in_a_new_process": [
        at_first('self.register_buffer("offset", torch.randn(()), persistent=False)'),
        Change("tokenizer.py", "return Tokens(self.stem(", "return Tokens(self.offset + self.stem("),
    ],
    "a_calibration_restores_the_same_tokenizer": [
        Change("tokenizer.py", '{"scale": float(self.scale), ', '{"scale": round(float(self.scale), 1), ')
    ],
    "a_tokenizer_survives_pickling": [at_first("self.on_text = lambda text: text.strip()")],
    "nothing_is_unpickled": [
        Change("dataset.py", "import numpy as np\n", "import pickle  # noqa: F401\n\nimport numpy as np\n")
    ],
}
