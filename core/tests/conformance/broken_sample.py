"""A broken plugin for each check of the family `sample`."""

from .broken_reading import GIVEN
from .conftest import Change

OPTIONS = "class SpecimenOptions("
CLASS = "class Bag(np.ndarray):\n    pass\n\n\n"


def with_attribute(value: str) -> list[Change]:
    """Samples are arrays with an attribute `unit`."""
    given = f"bag = bag.astype(np.float32).view(Bag)\n            bag.unit = {value}\n            yield bag"
    return [Change("tokenizer.py", GIVEN, given), Change("tokenizer.py", OPTIONS, CLASS + OPTIONS)]


def added(number: str) -> Change:
    """A number is added to the values of a file."""
    is_file = "isinstance(source, str | Path)"
    return Change("tokenizer.py", GIVEN, f"yield (bag + ({number} if {is_file} else 0)).astype(np.float32)")


BROKEN: dict[str, list[Change]] = {
    "the_name_of_a_file_changes_nothing": [added("sum(Path(source).name.encode()) % 10")],
    "every_part_of_a_sample_changes_what_is_prepared": with_attribute("2.5"),
}
