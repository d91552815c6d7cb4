"""A broken plugin for each check of the family `sample`."""

from .broken_reading import GIVEN
from .conftest import Change

OPTIONS = "class SpecimenOptions("
COLLATED = """
        if self.options.labels == "steps":
            batch |= pad_and_stack([{"places": item["places"]} for item in items])
        return batch"""
LABELS = """    @property
    def labels_steps(self):
        return self.options.labels == "steps"

"""
CLASS = "class Bag(np.ndarray):\n    pass\n\n\n"


def with_attribute(value: str) -> list[Change]:
    """Samples are arrays with an attribute `unit`."""
    given = f"bag = bag.astype(np.float32).view(Bag)\n            bag.unit = {value}\n            yield bag"
    return [Change("tokenizer.py", GIVEN, given), Change("tokenizer.py", OPTIONS, CLASS + OPTIONS)]


def added(number: str) -> Change:
    """A number is added to the values of a file."""
    is_file = "isinstance(source, str | Path)"
    return Change("tokenizer.py", GIVEN, f"yield (bag + ({number} if {is_file} else 0)).astype(np.float32)")


def labelling(*, windows: str = "[0, 3]", places: str = "count") -> list[Change]:
    """A tokenizer that labels the readings of a bag with labels=steps: in one window those before the fourth, in
    another the others.

    Args:
        windows: The first labelled reading of each window.
        places: How many places `side` has, of `count` labelled readings.
    """
    option = 'labels: Literal["samples", "steps"] = Field(default="samples", description="What has a class.")\n    '
    steps = f"""if self.options.labels == "steps" and not isinstance(source, Part):
                bags = enumerate(values if values.ndim == 3 else [values])
                yield from (Part(bag, first, number) for number, bag in bags for first in {windows})
                return
            yield bag.astype(np.float32)"""
    part = """class Part(np.ndarray):
    def __new__(cls, bag, first, number):
        part = bag.astype(np.float32).view(cls)
        part.first, part.number = first, number
        return part


"""
    prepared = """
        if self.options.labels == "steps":
            first = getattr(sample, "first", 0)
            starts = np.arange(first, len(sample) if first else 3)
            count = len(starts)
            item["places"] = torch.zeros(PLACES, 1)
            item |= when(starts, starts + 1, StepClock.STEPS, getattr(sample, "number", 0))
        return item""".replace("PLACES", places)
    item = '{"readings": readings, "largest": readings.abs().max()}'
    batch = '{"readings": readings, "mask": mask, "largest": torch.stack([item["largest"] for item in items])}'
    side = 'side = {"count": batch["mask"].sum((1, 2))}'
    imports = "from mt_core.errors import InputError, OptionError"
    padding = "name_of, only_one, pad_and_stack, reading"
    return [
        Change("tokenizer.py", "from pathlib import Path", "from pathlib import Path\nfrom typing import Literal"),
        Change("tokenizer.py", imports, f"{imports}\nfrom mt_core.sdk import StepClock, when"),
        Change("tokenizer.py", "name_of, only_one, reading", padding),
        Change("tokenizer.py", OPTIONS, part + OPTIONS),
        Change("tokenizer.py", "noise: float", f"{option}noise: float"),
        Change("tokenizer.py", GIVEN, steps),
        Change("tokenizer.py", f"return {item}", f"item = {item}{prepared}"),
        Change("tokenizer.py", f"return {batch}", f"batch = {batch}{COLLATED}"),
        Change(
            "tokenizer.py", side, f"{side}\n        side |= {{name: batch[name] for name in PLACED if name in batch}}"
        ),
        Change("tokenizer.py", "MAX_BYTES = 1 << 24", 'MAX_BYTES = 1 << 24\nPLACED = ("places", "places_mask")'),
        Change("tokenizer.py", "    def permuted(", LABELS + "    def permuted("),
    ]


BROKEN: dict[str, list[Change]] = {
    "the_name_of_a_file_changes_nothing": [added("sum(Path(source).name.encode()) % 10")],
    "every_part_of_a_sample_changes_what_is_prepared": with_attribute("2.5"),
    "each_step_is_labelled_once": labelling(windows="[0, 2]"),
}
