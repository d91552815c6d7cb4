"""Small items: a picture, a text and two columns each."""

import csv

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def make_rows():
    """Twelve rows; each third lacks its photo, each fourth its text."""

    def make():
        return [
            {
                "photo": f"img/{at}.png" if at % 3 else "",
                "about": f"a long story of thing number {at}" if at % 4 else "",
                "price": str(10 + at + 5 * (at % 2)),
                "colour": ("red", "blue")[at % 5 == 0],
                "category": ("bad", "good")[at % 2],
            }
            for at in range(12)
        ]

    return make


@pytest.fixture(scope="session")
def write_rows():
    """Write rows as a CSV file into a folder, and the pictures that they name."""

    def write(rows, folder, name="items.csv"):
        for row in rows:
            if str(row.get("photo") or "").endswith(".png"):
                at = folder / row["photo"]
                at.parent.mkdir(exist_ok=True)
                if not at.exists():
                    Image.fromarray(np.full((32, 32, 3), len(row["photo"]), np.uint8)).save(at)
        path = folder / name
        with path.open("w", newline="") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
        return path

    return write


@pytest.fixture
def rows(make_rows):
    return make_rows()


@pytest.fixture
def write_table(write_rows, tmp_path):
    return lambda rows, name="items.csv": write_rows(rows, tmp_path, name)


@pytest.fixture
def table(write_table, rows):
    return write_table(rows)
