import pytest

from mt_core.errors import InputError
from mt_core.sdk import readable


def read(source):
    if source < 0:
        raise InputError(f"{source} is refused")
    return source * 2


def test_what_is_refused_is_left_out():
    assert list(readable([1, -1, 2, -2], read)) == [2, 4]
    assert list(readable([], read)) == []


def test_the_first_error_is_raised_where_nothing_can_be_read():
    with pytest.raises(InputError, match="-1 is refused"):
        list(readable([-1, -2], read))
