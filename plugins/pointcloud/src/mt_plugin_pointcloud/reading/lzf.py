"""LZF, the compression inside binary_compressed .pcd files."""

from __future__ import annotations


def decompress(packed: bytes, size: int) -> bytes:
    """The bytes that were packed.

    A control byte below 32 is followed by that many literal bytes and one. Any other copies from what is already there:
    its upper three bits are the length less two (seven: a further byte is added), its lower five and one more byte are
    the distance less one.

    Args:
        packed: The compressed bytes.
        size: How many bytes come out; the work is bounded by it.

    Raises:
        ValueError: the bytes do not unpack to exactly `size`.

    Source: the format of Lehmann's LibLZF, as the Point Cloud Library uses it ("The PCD file format").
    """
    out = bytearray()
    at, end = 0, len(packed)
    while at < end and len(out) <= size:
        control = packed[at]
        at += 1
        if control < 32:
            out += packed[at : at + control + 1]
            at += control + 1
            continue
        length = (control >> 5) + 2
        if length == 9:
            length += packed[at] if at < end else 0
            at += 1
        start = len(out) - ((control & 31) << 8) - (packed[at] if at < end else 0) - 1
        at += 1
        if start < 0:
            raise ValueError("a copy from before the beginning")
        if start + length <= len(out):
            out += out[start : start + length]
        else:  # source and target overlap: a pattern that repeats
            pattern = out[start:]
            out += (pattern * (length // len(pattern) + 1))[:length]
    if len(out) != size or at != end:
        raise ValueError(f"{len(out)} bytes came out, not {size}")
    return bytes(out)
