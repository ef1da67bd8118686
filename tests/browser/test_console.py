"""A person at the console of a fresh node: signs in, makes a tenant, an app and a bucket, looks at the trail."""

from __future__ import annotations

import re

import boto3
import pytest
from botocore.exceptions import ClientError
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.conftest import DEADLINE_SECONDS
from tests.support.node_process import RunningNode

PAGES = (
    "",
    "control/tenant/",
    "control/app/",
    "control/credential/",
    "control/grant/",
    "control/bucket/",
    "control/bucket/add/",
    "control/region/",
    "control/node/",
    "control/store/",
    "control/adminuser/",
    "control/auditentry/",
)


def admin_url(browser: WebDriver, path: str) -> str:
    return re.sub(r"/admin/.*", f"/admin/{path}", browser.current_url)


def fill(browser: WebDriver, **fields: str) -> None:
    for name, text in fields.items():
        element = browser.find_element(By.NAME, name)
        if element.tag_name == "select":
            Select(element).select_by_visible_text(text)
        else:
            element.send_keys(text)
    browser.find_element(By.NAME, "_save").click()


def await_text(browser: WebDriver, text: str) -> None:
    # The page may be replaced between finding its body and reading it.
    waiting = WebDriverWait(browser, DEADLINE_SECONDS, ignored_exceptions=[StaleElementReferenceException])
    waiting.until(lambda page: text in page.find_element(By.TAG_NAME, "body").text)


def test_every_page_fits_the_screen_and_loads_all_it_names(console: WebDriver) -> None:
    for path in PAGES:
        console.get(admin_url(console, path))
        overflow = console.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, f"/admin/{path} is {overflow} pixels wider than the screen"
        failed = console.execute_script(
            "return performance.getEntriesByType('resource').filter(e => e.responseStatus >= 400).map(e => e.name)"
        )
        assert failed == [], f"/admin/{path} names what is not there"
        elsewhere = console.execute_script(
            "return performance.getEntriesByType('resource').map(e => e.name)"
            ".filter(name => new URL(name).host !== location.host)"
        )
        assert elsewhere == [], f"/admin/{path} loads from other servers"


def test_app_made_in_the_console_can_use_s3(
    console: WebDriver, node: RunningNode, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["browser"]
    console.get(admin_url(console, "control/tenant/add/"))
    fill(console, name=f"tenant-{name}")
    await_text(console, f"tenant-{name}")
    console.get(admin_url(console, "control/app/add/"))
    fill(console, tenant=f"tenant-{name}", name="web")
    await_text(console, "shown this once")
    s3 = boto3.client(
        "s3",
        endpoint_url=node.url,
        region_name=node.region,
        aws_access_key_id=console.find_element(By.ID, "client-id").text,
        aws_secret_access_key=console.find_element(By.ID, "client-secret").text,
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.create_bucket(Bucket=f"bucket-{name}")
    console.get(admin_url(console, "control/grant/add/"))
    fill(console, app=f"tenant-{name}/web", action="*", resource="*")
    await_text(console, "tenant-")

    def created(_: WebDriver) -> bool:
        try:
            s3.create_bucket(Bucket=f"bucket-{name}")
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied"
            return False
        return True

    WebDriverWait(console, 1, poll_frequency=0.05).until(created)  # a grant is felt within a second
    console.get(admin_url(console, "control/bucket/"))
    await_text(console, f"bucket-{name}")
    console.get(admin_url(console, "control/auditentry/"))
    await_text(console, "bucket.create")


def test_refused_name_is_explained_where_it_was_typed(console: WebDriver) -> None:
    console.get(admin_url(console, "control/region/add/"))
    fill(console, name="No Region")
    await_text(console, "No Region")
    assert console.find_element(By.NAME, "name").get_attribute("value") == "No Region"
