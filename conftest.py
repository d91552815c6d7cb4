"""For the tests of every distribution: nothing computed by one test is used by another, or by the user."""

import tempfile

import pytest


@pytest.fixture(scope="session", autouse=True)
def folders_of_its_own(tmp_path_factory):
    """Features are computed each time, except for a test with a cache of its own; and pytest that a test starts has its
    folders by itself: it would remove those of earlier runs first, which can take minutes. Their names are short, since
    some libraries take no path of more than 255 characters."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="mt") as short:
        patch.setenv("MT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("MT_CACHE_BYTES", "0")
        patch.setenv("PYTEST_DEBUG_TEMPROOT", short)
        yield
