"""A broken plugin for each check of the family `reading`."""

from .conftest import Change

ARRAY = "return np.asarray(source)"
OPENED = 'with reading(source, formats=".npy .csv"):'
DRAWN = "torch.randn(readings.shape, generator=generator)"
FINITE = "if not np.isfinite(bag).all():"
FINITE_PREPARED = "if not readings.isfinite().all():"
GIVEN = "yield bag.astype(np.float32)"

IS_FILE = "isinstance(source, Path) and source.is_file()"
IS_EMPTY = f"{IS_FILE} and not source.stat().st_size"
IS_MISSING = "isinstance(source, Path) and not source.exists()"
IS_NOISE = f"{IS_FILE} and source.suffix == '.csv' and b'\\0' in source.read_bytes()"
IS_HALF = f"{IS_FILE} and source.suffix == '.csv' and source.read_bytes()[-1:].isdigit()"
ONES = "np.ones((2, 2), np.float32)"


def before(line: str, *lines: str) -> Change:
    """Something is done before a line of the tokenizer's methods."""
    return Change("tokenizer.py", line, f"\n{' ' * 8}".join([*lines, line]))


def where(condition: str, *lines: str) -> Change:
    """Something is done to some sources before they are read."""
    return before(OPENED, f"if {condition}:", *(f"    {line}" for line in lines))


def asking(how: str) -> Change:
    """The network is asked for before a source is read."""
    return before(OPENED, "import socket", "try:", f"    socket.{how}", "except OSError:", "    pass")


def pickled(how: str) -> list[Change]:
    """Samples are arrays that are pickled in their own way."""
    kind = f"class Bag(np.ndarray):\n    def __reduce__(self):\n        {how}\n\n\n"
    options = "class SpecimenOptions("
    return [Change("tokenizer.py", GIVEN, f"{GIVEN}.view(Bag)"), Change("tokenizer.py", options, f"{kind}{options}")]


BROKEN: dict[str, list[Change]] = {
    "every_declared_suffix_has_a_reader": [Change("plugin.toml", '[".npy", ".csv"]', '[".npy", ".csv", ".dat"]')],
    "samples_per_file_are_as_declared": [Change("dataset.py", "size=(2, 4, 3)", "size=(4, 3)")],
    "reading_is_fast": [where(f"{IS_FILE} and source.name == 'bags.npy'", "import time", "time.sleep(0.3)")],
    "a_sample_can_be_read_again": [Change("tokenizer.py", ARRAY, f"{ARRAY}[::-1]")],
    "a_sample_survives_pickling": pickled("return np.copy, (np.asarray(self)[:1],)"),
    "reading_is_deterministic": [
        before(
            'if path.suffix == ".npy":',
            "last, self.last = getattr(self, 'last', None), path",
            "if last == path and path.suffix == '.npy':",
            "    return np.load(path) + np.float32(1e-6)",
        ),
    ],
    "prepare_is_deterministic_without_a_generator": [
        before(
            "if generator is not None:",
            "last, self.last = getattr(self, 'last', None), sample",
            "if generator is None and last is sample:",
            "    readings = readings + 1e-6",
        ),
    ],
    "random_numbers_come_from_the_generator_alone": [Change("tokenizer.py", DRAWN, "torch.randn(readings.shape)")],
    "a_target_stays_with_its_sample": [
        Change(
            "tokenizer.py",
            "    def collate(self, items):",
            "    def prepare_example(self, sample, target, generator=None):\n"
            "        return self.prepare(sample, generator), None if generator is None else target\n\n"
            "    def collate(self, items):",
        ),
    ],
    "worker_processes_give_the_same_batches": [
        before('self.register_buffer("scale"', "import os", "self.process = os.getpid()"),
        before(
            "if generator is not None:", "import os", "if os.getpid() != self.process:", "    readings = readings + 1"
        ),
    ],
    "an_empty_file_is_refused": [where(IS_EMPTY, f"source = {ONES}")],
    "a_missing_file_is_refused": [where(IS_MISSING, "raise FileNotFoundError(source)")],
    "random_bytes_are_refused": [where(IS_NOISE, f"source = {ONES}")],
    "a_truncated_file_is_refused_or_read": [where(IS_HALF, "raise KeyError(source)")],
    "other_objects_are_refused": [where("source is None", f"source = {ONES}")],
    "nonfinite_values_never_become_tokens": [
        Change("tokenizer.py", FINITE, "if np.isnan(bag).all():"),
        Change("tokenizer.py", FINITE_PREPARED, "if readings.isnan().all():"),
    ],
    "invalid_input_is_refused_in_bounded_time": [where(IS_NOISE, "import time", "time.sleep(60)")],
    "reading_needs_no_network": [asking("create_connection(('127.0.0.1', 9), timeout=0.1)")],
    "reading_writes_nothing_outside_temporary_folders": [where(IS_FILE, "source.with_suffix('.index').write_text('')")],
}
