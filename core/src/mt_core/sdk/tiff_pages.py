"""Which page of a TIFF file is the picture: thumbnails, smaller copies and masks are passed over.

Source: TIFF revision 6.0, NewSubfileType and SubfileType; Adobe TIFF technical note 1 (trees of directories).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mt_core.errors import InputError

_SUBFILE_TYPE, _OLD_SUBFILE_TYPE = 254, 255

_REDUCED, _MASK = 1, 4

_CAMERA_RAW = (32803, 34892)  # colour filter array, linear raw

_MOST_LOOKED_AT = 32
"""Pages beyond these are counted, and nothing else."""

_THUMBNAIL_SIDE = 512
_FEWER = 9


@dataclass(frozen=True)
class PageOf:
    """A page, and where it is.

    Attributes:
        page: tifffile's.
        number: In the file's chain of pages.
        child: Its place among the children (SubIFDs) of that page; None where it is in the chain itself.
    """

    page: Any
    number: int
    child: int | None = None

    @property
    def area(self) -> int:
        """Pixels."""
        return int(self.page.imagewidth * self.page.imagelength)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return int(self.page.imagewidth), int(self.page.imagelength)

    @property
    def is_mask(self) -> bool:
        """What says of another page which of its pixels count."""
        return bool(_number(self.page, _SUBFILE_TYPE) & _MASK)

    @property
    def is_full(self) -> bool:
        """No smaller copy of another page, and no mask."""
        kind = _number(self.page, _SUBFILE_TYPE)
        return not kind & (_REDUCED | _MASK) and _number(self.page, _OLD_SUBFILE_TYPE) != 2  # 2: reduced


@dataclass(frozen=True)
class Picture:
    """The picture of a file.

    Attributes:
        page: Where it is.
        others: Further full pages, in the file's order.
        mask: Which of its pixels count; None: all do.
        was_thumbnail: Whether the first page, not marked as such, was taken for a thumbnail of it.
    """

    page: PageOf
    others: tuple[PageOf, ...]
    mask: PageOf | None = None
    was_thumbnail: bool = False


def find_picture(file: Any, name: str) -> Picture:
    """The first page that is neither a smaller copy nor a mask; where there is none, the largest.

    Args:
        file: A `tifffile.TiffFile`.
        name: How it is called in messages.

    Raises:
        InputError: no page at all, or a camera's raw data, of which only the preview could be read.
    """
    pages = list(_pages(file))
    if not pages:
        raise InputError(f"{name} is truncated: it holds no page", fix="copy or export the file again")
    full = [each for each in pages if each.is_full] or [max(pages, key=lambda each: each.area)]
    # a child is a page of its own only where its parent is none
    full = [each for each in full if each.child is None] or [max(full, key=lambda each: each.area)]
    if full[0].page.photometric in _CAMERA_RAW:
        raise InputError(
            f"{name} is the raw file of a camera (DNG or its like), not a picture yet",
            fix="develop it, for instance to JPEG or TIFF",
        )
    larger = next((each for each in full[1:] if _is_thumbnail(full[0], each)), None)
    picture = larger or full[0]
    others = tuple(each for each in full[1:] if each is not picture)
    mask = next((each for each in pages if each.is_mask and each.size == picture.size and each is not picture), None)
    return Picture(picture, others, mask, was_thumbnail=larger is not None)


def _pages(file: Any) -> Iterator[PageOf]:
    """The pages of the chain, up to one that is damaged; of those that are no picture themselves, their children."""
    for number in range(min(len(file.pages), _MOST_LOOKED_AT)):
        try:
            page = file.pages[number].aspage()
        except Exception:
            if number == 0:
                raise
            return
        yield (found := PageOf(page, number))
        for child in range(0 if found.is_full else len(page.subifds or ())):
            yield PageOf(page.pages[child].aspage(), number, child)


def _number(page: Any, tag: int) -> int:
    value = page.tags.valueof(tag, 0)
    return int(value) if isinstance(value, int) else 0


def _is_thumbnail(small: PageOf, large: PageOf) -> bool:
    """Whether a page that does not say so is one of another: small, of the same shape, with far fewer pixels."""
    width, height = small.page.imagewidth, small.page.imagelength
    if max(width, height) > _THUMBNAIL_SIDE or small.area * _FEWER > large.area or not small.area:
        return False
    return bool(abs(width * large.page.imagelength / (height * large.page.imagewidth) - 1) < 0.05)
