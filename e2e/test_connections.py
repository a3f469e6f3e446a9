"""The page of connections shows what screens really show."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.boards import board, feed_of, stat
from e2e.conftest import OpenPage
from e2e.target import Target
from e2e.wall import Wall

MAKE_STAFF = """
from django.contrib.auth.models import User
User.objects.create_superuser("staff", "", "secret-enough")
"""


def test_staff_see_each_open_page_and_that_it_is_up_to_date(
    wall: Wall, target: Target, open_page: OpenPage
) -> None:
    target.answers["x"] = {"a": 41}
    wall.apply(board({"x": feed_of(target.url("x"))}, [stat("x", [0, 0, 3, 2], "x")]))
    wall.python(MAKE_STAFF)
    screen = open_page(f"{wall.url}/d/test/")
    expect(screen.locator("html")).to_have_attribute("data-link", "live", timeout=10_000)
    page = open_page(f"{wall.url}/connections/")
    page.locator("[name=username]").fill("staff")
    page.locator("[name=password]").fill("secret-enough")
    page.get_by_role("button", name="Sign in").click()

    # The page asks for itself again.
    row = page.locator("tbody tr")
    expect(row).to_contain_text("up to date", timeout=20_000)
    expect(row).to_contain_text("anonymous")
    expect(row).to_contain_text("127.0.0.1 · Chrome")
    expect(row).to_contain_text("WebSocket")

    screen.close()
    expect(page.locator("#connections")).to_contain_text("No page is open", timeout=20_000)
