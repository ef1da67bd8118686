"""Debian's Chromium, headless, against the console of a real node; each test at desktop and at phone width."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.node_process import RunningNode, running_node

WIDTHS = {"desktop": (1400, 900), "phone": (390, 844)}
DEADLINE_SECONDS = 20
QUIET_FLAGS = (
    "--headless",
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with running_node(tmp_path_factory.mktemp("console"), workers=1) as started:
        yield started


@pytest.fixture(params=sorted(WIDTHS))
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WebDriver]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.fail("chromium and chromedriver are needed: apt-get install chromium chromium-driver")
    width, height = WIDTHS[request.param]
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*QUIET_FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    # Chromium's own window has a least width; the emulated screen has none.
    options.add_experimental_option(
        "mobileEmulation", {"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1, "mobile": False}}
    )
    started = webdriver.Chrome(options=options, service=Service(driver))
    started.set_page_load_timeout(DEADLINE_SECONDS)
    yield started
    started.quit()


@pytest.fixture
def console(browser: WebDriver, node: RunningNode) -> WebDriver:
    """Signed in with the credentials of the first start, on the first page."""
    browser.get(node.credentials["ANVIL_ADMIN_URL"])
    browser.find_element(By.NAME, "username").send_keys(node.credentials["ANVIL_ADMIN_USER"])
    browser.find_element(By.NAME, "password").send_keys(node.credentials["ANVIL_ADMIN_PASSWORD"])
    browser.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
    WebDriverWait(browser, DEADLINE_SECONDS).until(lambda page: "Last changes" in page.page_source)
    return browser
