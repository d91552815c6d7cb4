"""The page at / in a real browser: Debian's chromium (apt-get install chromium-driver).

`MT_SCREENSHOTS=DIR` keeps what it looks like.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mt_serve.app import create_app
from mt_serve.server import listen

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("chromium") and shutil.which("chromedriver")),
        reason="chromium and chromedriver are not installed (apt-get install chromium-driver)",
    ),
]


@contextmanager
def served(app) -> Iterator[str]:
    """The address of an application, once it takes connections."""
    import uvicorn

    socket = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, args=([socket],))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{socket.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(60)


@pytest.fixture(scope="module")
def address(runs, photo_index):
    with served(create_app(runs, indexes=[str(photo_index)])) as at:
        yield at


@pytest.fixture(scope="module")
def browser():
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = shutil.which("chromium")
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options, service)
    driver.set_window_size(1000, 1100)
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, address):
    browser.get(address)
    wait(browser, "return document.querySelectorAll('#run option').length === 3")
    yield browser
    said = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert [
        entry for entry in said if "Content Security Policy" in entry["message"] or "page.js" in entry["message"]
    ] == []


def wait(browser, condition: str, seconds: float = 120) -> None:
    for _ in range(int(seconds / 0.1)):
        if browser.execute_script(condition):
            return
        time.sleep(0.1)
    raise AssertionError(browser.execute_script("return document.body.innerText"))


def keep(browser, name: str) -> None:
    if folder := os.environ.get("MT_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        browser.save_screenshot(f"{folder}/{name}.png")


def text(browser, selector: str) -> str:
    return browser.execute_script(f"return document.querySelector('{selector}').innerText")


ANSWERED = "return !document.getElementById('answer').hidden || !document.getElementById('refused').hidden"


def drop(page, *paths: Path) -> None:
    page.find_element("id", "file").send_keys("\n".join(map(str, paths)))
    wait(page, ANSWERED)


def test_a_file_is_predicted_drawn_and_searched_for(page, photos):
    drop(page, photos[0])
    assert page.execute_script("return document.getElementById('run').value") == "photos"
    assert "%" in text(page, "#predictions") and text(page, "#predictions .said").split()[0] in ("high", "low")
    assert page.execute_script("return document.getElementById('seen').naturalWidth") > 100
    assert "tokens" in text(page, "#seen-what")
    cards = page.find_elements("css selector", "#neighbours li")
    assert len(cards) == 8 and "1. score 1.000" in cards[0].text
    assert page.execute_script("return document.querySelector('#neighbours img').naturalWidth") > 10
    keep(page, "photo")


def test_a_text_is_asked_with_the_keyboard_alone(page):
    from selenium.webdriver import ActionChains, Keys

    def focused() -> str:
        return page.execute_script("return document.activeElement.id")

    order = []
    for _ in range(3):
        ActionChains(page).send_keys(Keys.TAB).perform()
        order.append(focused())
    assert order == ["run", "file", "text"]
    page.execute_script("document.getElementById('run').value = 'words'")
    page.switch_to.active_element.send_keys("a fine day", Keys.TAB)
    assert focused() == "send"
    page.switch_to.active_element.send_keys(Keys.ENTER)
    wait(page, ANSWERED)
    assert focused() == "answer"
    assert "samples[0]" in text(page, "#predictions")
    assert page.execute_script("return document.getElementById('neighbours-part').hidden")
    keep(page, "text")


def test_a_file_that_cannot_be_read_is_refused_with_our_text(page, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    drop(page, tmp_path / "broken.png")
    assert "broken.png" in text(page, "#refused") and "\n" in text(page, "#refused")
    keep(page, "refused")


def test_it_fits_a_telephone_and_is_dark_where_the_system_is(page, photos):
    light = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    )
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    try:
        drop(page, photos[1])
        assert page.execute_script("return document.documentElement.scrollWidth") <= 360
        assert page.execute_script("return getComputedStyle(document.body).backgroundColor") != light
        keep(page, "telephone")
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_with_a_token_the_page_asks_for_it(runs, browser):
    from mt_serve.app import Settings

    with served(create_app(runs, settings=Settings(token="secret"))) as at:
        browser.get(at)
        wait(browser, "return !document.getElementById('token-line').hidden")
        browser.find_element("id", "token").send_keys("secret\n")
        wait(browser, "return document.querySelectorAll('#run option').length === 3")
        assert browser.execute_script("return document.getElementById('token-line').hidden")
