"""Django's admin under the wall's own policy: no script, style or request of it is refused."""

from __future__ import annotations

from e2e.conftest import OpenPage
from e2e.test_edits import ADMIN, sign_in
from e2e.wall import Wall

MODELS = ["widgets/feed", "widgets/widget", "widgets/feedstate", "widgets/series"]
MODELS += ["widgets/process", "dashboard/dashboard", "dashboard/tile", "dashboard/description"]


def test_lists_and_forms_of_the_admin_keep_to_the_policy(wall: Wall, open_page: OpenPage) -> None:
    wall.python(ADMIN)
    page = open_page(f"{wall.url}/login/")
    sign_in(page, wall, "/admin/")

    for model in MODELS:
        page.goto(f"{wall.url}/admin/{model}/")
        page.locator("#result_list tbody th a").first.click()
        page.wait_for_url("**/change/**")

    page.goto(f"{wall.url}/admin/dashboard/dashboard/")
    page.locator("#result_list tbody th a").first.click()
    page.locator(".add-row a").click()
    assert page.locator("#id_tiles-13-x").is_visible()


def test_one_number_of_one_tile_can_be_changed_there(wall: Wall, open_page: OpenPage) -> None:
    wall.python(ADMIN)
    admin = open_page(f"{wall.url}/login/")
    sign_in(admin, wall, "/admin/dashboard/dashboard/")
    admin.locator("#result_list tbody th a").first.click()

    admin.locator("#id_tiles-0-y").fill("8")
    admin.locator("[name=_save]").click()
    admin.locator(".success").wait_for()

    assert wall.query("SELECT COUNT(*) FROM dashboard_tile WHERE y = 8") == [(1,)]
    assert wall.query("SELECT COUNT(*) FROM dashboard_tile") == [(12,)]
