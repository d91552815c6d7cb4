"""For the tests of every distribution: nothing computed by one test is used by another, or by the user."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def no_feature_cache(tmp_path_factory):
    """Features are computed each time, except for a test with a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("MT_CACHE_BYTES", "0")
        yield
