import logging
import os
import warnings

import pytest

from mt_core.errors import DataWarning
from mt_core.sdk import left_out, quiet, silent_stderr


def test_nothing_is_warned_of_or_logged_within_and_everything_is_afterwards(caplog):
    logger = logging.getLogger("some_library")
    with quiet("some_library"):
        with quiet("some_library"):
            logger.error("inner")
        warnings.warn("a file is odd", stacklevel=1)
        logger.error("outer")
    logger.error("after")
    assert caplog.messages == ["after"]
    with pytest.warns(UserWarning, match="odd"):
        warnings.warn("a file is odd", stacklevel=1)


def test_what_a_reader_tells_is_told_within():
    with pytest.warns(DataWarning, match="no time"), quiet("some_library"):
        left_out("a.csv", "3 of 320 rows have no time")
    with warnings.catch_warnings(action="error"), pytest.raises(DataWarning), quiet():
        left_out("a.csv", "3 of 320 rows have no time")


def test_an_error_ends_the_silence(caplog):
    with pytest.raises(ValueError), quiet("some_library"):
        raise ValueError
    logging.getLogger("some_library").error("after")
    assert caplog.messages == ["after"]


def test_what_c_code_writes_to_the_terminal_is_not_seen(capfd):
    with silent_stderr():
        os.write(2, b"TIFFReadDirectory: Warning")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"
