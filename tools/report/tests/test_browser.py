"""A report in a real browser: nothing is wider than a telephone, and axe finds no fault.

Debian's chromium (apt-get install chromium-driver) and axe-core (pip install axe-core-python).
"""

import shutil
from importlib import resources

import pytest

webdriver = pytest.importorskip("selenium.webdriver")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("chromium") and shutil.which("chromedriver")),
        reason="chromium and chromedriver are not installed (apt-get install chromium-driver)",
    ),
]


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def axe():
    pytest.importorskip("axe_core_python")
    return (resources.files("axe_core_python") / "axe.min.js").read_text("utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("task", ["classification", "regression", "segmentation", "scenes", "steps", "detection"])
def test_axe_finds_no_fault(browser, axe, reported, task, scheme):
    schemes = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", schemes)
    browser.get(reported(task)[0].file.as_uri())
    browser.execute_script(axe)
    found = browser.execute_async_script("const done = arguments[arguments.length - 1]; axe.run().then(done)")
    assert len(found["passes"]) > 20
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found["violations"]] == []


def test_nothing_is_wider_than_a_telephone(browser, reported):
    size = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        for task in ("classification", "regression", "steps", "detection"):
            browser.get(reported(task)[0].file.as_uri())
            assert browser.execute_script("return document.documentElement.scrollWidth") == 360
            heights = "[...document.querySelectorAll('svg text')].map(each => each.getBoundingClientRect().height)"
            smallest = browser.execute_script(f"return Math.min(...{heights})")
            assert smallest >= 9
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_no_request_leaves_the_page(browser, reported):
    browser.get(reported("classification")[0].file.as_uri())
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
