"""What people change reaches open pages without a reload, and who may not see does not."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from e2e.boards import board, feed_of, stat
from e2e.conftest import OpenPage
from e2e.target import Target
from e2e.test_breaks import link, shows, tile
from e2e.wall import Wall

ADMIN = """
from django.contrib.auth.models import User
User.objects.create_superuser("owner", password="correct horse")
"""


def sign_in(page: Page, wall: Wall, path: str = "/") -> None:
    page.goto(f"{wall.url}/login/?next={path}")
    page.get_by_label("User name").fill("owner")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name=re.compile("sign in|log in", re.IGNORECASE)).click()
    page.wait_for_url(f"{wall.url}{path}")


def test_an_edit_in_the_admin_is_on_open_pages_within_a_moment(
    wall: Wall, target: Target, open_page: OpenPage
) -> None:
    target.answers["x"] = {"a": 41}
    wall.python(ADMIN)
    wall.apply(board({"x": feed_of(target.url("x"))}, [stat("x", [0, 0, 3, 2], "x")]))
    page = open_page(f"{wall.url}/d/test/")
    link(page, "live", 5)
    shows(page, "x", "41")
    page.evaluate("window.mark = 1")

    admin = open_page(f"{wall.url}/login/")
    sign_in(admin, wall, "/admin/widgets/widget/")
    admin.locator("#result_list").get_by_role("link", name="x", exact=True).click()
    admin.locator("#id_title").fill("renamed")
    # When the heading changes, the page itself notes the moment.
    page.evaluate(
        "new MutationObserver(() => { if (document.querySelector('[title=renamed]'))"
        " window.renamed ??= Date.now(); })"
        ".observe(document.body, {subtree: true, childList: true, attributes: true,"
        " characterData: true})"
    )
    admin.locator("[name=_save]").click()

    expect(page.locator(tile(page, "renamed"))).to_be_visible(timeout=3_000)
    assert page.evaluate("window.mark") == 1


def test_a_board_applied_from_a_file_changes_the_grid_of_open_pages(
    wall: Wall, target: Target, open_page: OpenPage
) -> None:
    target.answers["x"] = {"a": 41}
    feeds = {"x": feed_of(target.url("x"))}
    wall.apply(board(feeds, [stat("x", [0, 0, 3, 2], "x")]))
    page = open_page(f"{wall.url}/d/test/")
    shows(page, "x", "41")
    page.evaluate("window.mark = 1")
    page.locator("article.widget").evaluate("node => { node.mark = 1; }")

    wall.apply(board(feeds, [stat("x", [6, 0, 6, 4], "x"), stat("y", [0, 0, 6, 4], "x")]))

    shows(page, "y", "41", within=3)
    expect(page.locator("article.widget")).to_have_count(2)
    assert page.locator(tile(page, "x")).evaluate("node => node.mark") == 1
    assert page.evaluate("window.mark") == 1


def test_a_dashboard_that_is_deleted_says_so_and_comes_back_without_a_hand(
    wall: Wall, target: Target, open_page: OpenPage
) -> None:
    target.answers["x"] = {"a": 41}
    made = board({"x": feed_of(target.url("x"))}, [stat("x", [0, 0, 3, 2], "x")])
    wall.apply(made)
    page = open_page(f"{wall.url}/d/test/")
    link(page, "live", 5)
    page.clock.install()

    wall.python(
        "from dashboard.models import Dashboard; Dashboard.objects.get(slug='test').delete()"
    )

    expect(page.locator("#link")).to_contain_text("gone", timeout=4_000)

    wall.apply(made)
    page.clock.fast_forward(35_000)
    link(page, "live", 5)
    expect(page.locator("#link")).to_contain_text("live")
    shows(page, "x", "41")


def test_a_stranger_is_asked_to_sign_in_and_a_signed_out_page_goes_dark(
    wall: Wall, target: Target, open_page: OpenPage
) -> None:
    target.answers["x"] = {"a": 41}
    wall.python(ADMIN)
    feeds = {"x": feed_of(target.url("x"))}
    wall.apply(board(feeds, [stat("x", [0, 0, 3, 2], "x")], public=False))
    stranger = open_page(f"{wall.url}/d/test/")
    expect(stranger).to_have_url(f"{wall.url}/login/?next=/d/test/")

    page = open_page(f"{wall.url}/login/")
    sign_in(page, wall, "/d/test/")
    link(page, "live", 5)
    other = page.context.new_page()
    other.goto(f"{wall.url}/walls/")
    other.get_by_role("button", name=re.compile("sign out|log out", re.IGNORECASE)).click()

    expect(page).to_have_url(re.compile("/login/"), timeout=8_000)


def test_a_private_feed_is_never_drawn_on_a_public_dashboard(
    wall: Wall, target: Target, open_page: OpenPage
) -> None:
    target.answers["x"] = {"a": 4141}
    wall.apply(board({"x": feed_of(target.url("x"))}, [stat("x", [0, 0, 3, 2], "x")]))
    page = open_page(f"{wall.url}/d/test/")
    shows(page, "x", "4,141")

    wall.python(
        "from widgets.models import Feed; f = Feed.objects.get(name='x'); "
        "f.private = True; f.save()"
    )

    expect(page.locator(tile(page, "x"))).to_contain_text("private", timeout=4_000)
    assert "4,141" not in page.content()
    page.reload()
    assert "4,141" not in page.content()
