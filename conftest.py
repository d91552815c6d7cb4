"""For the tests of every distribution: nothing computed by one test is used by another, or by the user."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def folders_of_its_own(tmp_path_factory):
    """Features are computed each time, except for a test with a cache of its own; and pytest that a test starts has its
    folders in ours: it would remove those of earlier runs first, which can take minutes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("MT_CACHE_BYTES", "0")
        patch.setenv("PYTEST_DEBUG_TEMPROOT", str(tmp_path_factory.mktemp("pytest")))
        yield
