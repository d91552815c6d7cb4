"""TIFF files whose pages do not end."""

import struct

import numpy as np
import pytest
import tifffile

from mt_core.errors import InputError
from mt_core.sdk import open_tiff


def pages(path, count: int) -> list[int]:
    """Write a file of so many pages; where each of them says what the next is."""
    tifffile.imwrite(path, np.arange(count * 16, dtype=np.uint8).reshape(count, 4, 4), photometric="minisblack")
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == count
        return [page.offset + 2 + 12 * len(page.tags) for page in file.pages]


@pytest.mark.parametrize("count", [1, 3, 150])
@pytest.mark.parametrize("back", [0, -1])
def test_a_ring_of_pages_is_refused(tmp_path, count, back):
    links = pages(path := tmp_path / "ring.tif", count)
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        struct.pack_into("<I", content, links[-1], file.pages[back].offset)
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"ring.tif is a damaged TIFF file: page {count} is followed by"):
        with open_tiff(path, codecs="x"):
            pass


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_pages_that_end_are_read(tmp_path, bigtiff, byteorder):
    stack = np.arange(300 * 16, dtype=np.uint16).reshape(300, 4, 4)
    tifffile.imwrite(tmp_path / "a.tif", stack, bigtiff=bigtiff, byteorder=byteorder, photometric="minisblack")
    with open_tiff(tmp_path / "a.tif", codecs="x") as file:
        assert (file.asarray() == stack).all()
