"""The page Feeds as staff use it: made, tried, pushed to, paused, asked, changed, deleted."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from e2e.conftest import OUT, OpenPage
from e2e.look import SCREENS, SCRIPT
from e2e.target import Target
from e2e.wall import Wall, eventually

MAKE_STAFF = """
from django.contrib.auth.models import User
User.objects.create_superuser("staff", "", "secret-enough")
"""
LONG = "shop/" + "long-name-" * 19 + "12345"
# Feeds in every condition, with names and texts that somebody else chose.
MAKE_FEEDS = f"""
from tests.feeds import arrive, fail, make_feed, polled
from widgets import clock
from widgets.clock import HOUR, MINUTE, SECOND
from widgets.models import Token
from widgets.reading import Verdict
now, token = clock.now(), Token.objects.get()
def past(feed, series, base, unit):
    for i in range(30):
        at = now - (31 - i) * MINUTE
        arrive(feed, {{series: base + (i * 7) % 11}}, at, units={{series: unit}})
    return feed
past(make_feed("payments", thresholds=[{{"critical_above": 1}}]), "errors", 2, "%")
past(make_feed("disk", thresholds=[{{"warning_above": 80}}]), "/", 85, "%")
till = {{"expect_every": 10 * SECOND, "made_by": token, "private": True}}
past(make_feed("orders", **till), "value", 180, "/min")
past(make_feed({LONG!r}, made_by=token), "value{{host=a,region=eu-central-1,zone=b}}", 2e9, "B")
mail = past(polled("mail", node="elsewhere", interval=HOUR), "length", 14, "")
for i in (2, 1):
    fail(mail, "http://10.0.0.9/queue: connection refused; is the service there, and may this "
         "machine reach it through the firewall?", now - i * SECOND)
arrive(make_feed("<b>odd</b>"), {{"<i>": 1}}, now, verdicts={{"<i>": Verdict("warning", "<u>why")}})
polled("resting", node="elsewhere", paused=True)
make_feed("new", made_by=token)
"""


class Fed(Wall):
    """A wall with staff and a token for everything."""

    token = ""

    def push(self, name: str, value: float) -> None:
        request = urllib.request.Request(
            f"{self.url}/api/feeds/{name}",
            json.dumps(value).encode(),
            {"Authorization": f"Bearer {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200


def prepared(data: Path) -> Fed:
    wall = Fed(data)
    wall.start()
    wall.token = wall.manage("token", "create", "till", "--feeds", "*").strip()
    wall.python(MAKE_STAFF)
    return wall


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fed]:
    wall = prepared(tmp_path_factory.mktemp("fed"))
    yield wall
    assert wall.end() == 0, wall.log.read_text()
    assert "Traceback" not in wall.log.read_text()


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fed]:
    """With feeds in every condition, to be looked at."""
    wall = prepared(tmp_path_factory.mktemp("crowded"))
    wall.python(MAKE_FEEDS)
    yield wall
    wall.end()


Staff = Callable[..., Page]


@pytest.fixture
def staff(open_page: OpenPage) -> Staff:
    """Opens a page of a wall as staff."""

    def open_(wall: Wall, path: str = "/feeds/", *size: int, **context: object) -> Page:
        page = open_page(f"{wall.url}/login/?next={path}", *size, **context)
        page.locator("[name=username]").fill("staff")
        page.locator("[name=password]").fill("secret-enough")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("h1").first).to_be_visible()
        return page

    return open_


def row(page: Page, name: str) -> Locator:
    return page.locator("tr[id]").filter(has=page.get_by_role("link", name=name, exact=True))


def asks_again(page: Page) -> None:
    with page.expect_response(lambda answer: "/feeds/" in answer.url):
        pass  # It does so by itself.


def test_a_feed_is_made_tried_and_saved_and_its_value_appears_by_itself(
    fed: Fed, staff: Staff, target: Target
) -> None:
    target.answers["stock"] = {"n": 41}
    page = staff(fed)
    page.get_by_role("link", name="New feed").click()
    page.get_by_role("link", name="JSON over HTTP").click()
    page.get_by_label("Name").fill("stock")
    page.locator("[name=options-url]").fill(target.url("stock"))
    page.locator("[name=interval]").fill("1 s")

    # Something is missing, and nothing that was typed is lost.
    page.get_by_role("button", name="Make feed").click()
    expect(page.get_by_role("alert").last).to_contain_text("say what to take")
    expect(page.locator("[name=options-url]")).to_have_value(target.url("stock"))
    page.locator("[name=options-numbers]").fill("pieces: n")

    page.get_by_role("button", name="Try").click()
    expect(page.get_by_role("complementary")).to_contain_text(re.compile(r"pieces\s*41"))
    assert fed.query("SELECT count(*) FROM widgets_feed WHERE name = 'stock'") == [(0,)]

    page.get_by_role("button", name="Make feed").click()
    expect(page.locator("h1")).to_have_text("stock")
    page.evaluate("window.mark = 1")
    expect(page.locator("#feed .series")).to_contain_text("41", timeout=15_000)
    expect(page.locator("#feed article.widget-line svg").first).to_be_visible(timeout=15_000)

    page.get_by_role("link", name="Feeds").first.click()
    page.evaluate("window.mark = 1")
    expect(row(page, "stock")).to_contain_text("41", timeout=10_000)
    target.answers["stock"] = {"n": 42}
    expect(row(page, "stock").locator(".reading b")).to_have_text("42", timeout=15_000)
    assert page.evaluate("window.mark") == 1, "without a reload"


def test_what_is_wrong_with_a_source_stands_beside_its_field(
    fed: Fed, staff: Staff, target: Target
) -> None:
    page = staff(fed, "/feeds/new/?source=json")
    page.locator("[name=options-url]").fill(target.url("nothing-here"))
    page.locator("[name=options-numbers]").fill("a: a")
    page.locator("[name=options-token]").fill("correct-horse")

    page.get_by_role("button", name="Try").click()

    field = page.locator(".field").filter(has=page.locator("[name=options-url]"))
    expect(field).to_have_class(re.compile("wrong"))
    expect(field).to_contain_text("404")
    assert "correct-horse" not in page.content()
    assert page.locator("[name=options-url]").get_attribute("aria-invalid") == "true"


def test_what_is_pushed_appears_by_itself_with_its_past_and_where_it_came_from(
    fed: Fed, staff: Staff
) -> None:
    page = staff(fed)
    page.evaluate("window.mark = 1")

    fed.push("till.orders", 16)
    expect(row(page, "till.orders")).to_contain_text("pushed, token till, private", timeout=10_000)
    fed.push("till.orders", 17)

    expect(row(page, "till.orders").locator(".reading b")).to_have_text("17", timeout=10_000)
    path = row(page, "till.orders").locator("svg path")
    eventually(lambda: "l" in (path.get_attribute("d") or ""), 10, "a line, and not a dot")
    assert path.evaluate("path => path.namespaceURI") == "http://www.w3.org/2000/svg"
    assert page.evaluate("window.mark") == 1, "without a reload"


def test_a_feed_is_paused_resumed_asked_now_and_deleted(
    fed: Fed, staff: Staff, target: Target
) -> None:
    target.answers["slow"] = {"a": 1}
    options = {"url": target.url("slow"), "numbers": {"a": "a"}}
    fed.python(
        "from widgets.models import Feed\n"
        f"Feed.objects.create(name='slow', source='json', interval=86_400_000_000, "
        f"options={options!r})"
    )
    page = staff(fed)
    expect(row(page, "slow")).to_contain_text(re.compile(r"1 d\s*next in"), timeout=15_000)
    row(page, "slow").get_by_role("link").click()

    target.answers["slow"] = {"a": 2}
    page.get_by_role("button", name="Refresh now").click()
    expect(page.locator("#feed .series .num b")).to_have_text("2", timeout=15_000)

    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#feed .state").first).to_contain_text("paused")
    expect(page.get_by_role("button", name="Refresh now")).to_have_count(0)
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#feed .state").first).to_contain_text("ok")

    page.get_by_role("link", name="Delete").click()
    expect(page.locator("form.side")).to_contain_text("No tile shows it.")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status")).to_contain_text("slow was deleted")
    expect(row(page, "slow")).to_have_count(0)


def test_of_two_who_edit_the_later_is_told(fed: Fed, staff: Staff) -> None:
    fed.push("shared", 1)
    found = fed.query("SELECT id FROM widgets_feed WHERE name = 'shared'")[0][0]
    first, second = (staff(fed, f"/feeds/{found}/edit/") for _ in range(2))

    first.locator("[name=expect_every]").fill("1 min")
    first.locator("[name=expect_every]").press("Enter")
    expect(first.locator("h1")).to_have_text("shared")
    second.locator("[name=keep_raw]").fill("2 d")
    second.get_by_role("button", name="Save").click()

    expect(second.get_by_role("alert")).to_contain_text("somebody else has changed this feed")
    expect(second.locator("[name=keep_raw]")).to_have_value("2 d")
    expect(second.locator("[name=expect_every]")).to_have_value("1 min")
    second.get_by_role("button", name="Save").click()
    expect(second.get_by_role("status")).to_contain_text("Saved")


def test_a_page_that_has_lost_its_link_says_so_and_comes_back(tmp_path: Path, staff: Staff) -> None:
    wall = prepared(tmp_path)
    try:
        wall.push("till", 1)
        page = staff(wall)
        expect(row(page, "till")).to_be_visible()
        lost = page.locator(".pulse .lost")
        expect(lost).to_be_hidden()

        wall.end()
        expect(lost).to_be_visible(timeout=20_000)
        expect(lost).to_contain_text("connection lost; this is as of")
        expect(page.locator(".pulse .link")).to_be_hidden()
        expect(row(page, "till")).to_be_visible()

        wall.start()
        wall.push("till", 2)
        expect(row(page, "till").locator(".reading b")).to_have_text("2", timeout=20_000)
        expect(lost).to_be_hidden()
    finally:
        wall.close()


def test_it_all_works_without_javascript(fed: Fed, staff: Staff, target: Target) -> None:
    target.answers["plain"] = {"a": 5}
    page = staff(fed, "/feeds/new/?source=json", java_script_enabled=False)
    page.get_by_label("Name").fill("plain")
    page.locator("[name=options-url]").fill(target.url("plain"))
    page.locator("[name=options-numbers]").fill("a: a")
    page.get_by_role("button", name="Try").click()
    expect(page.get_by_role("complementary")).to_contain_text(re.compile(r"a\s*5"))
    page.get_by_role("button", name="Make feed").click()
    expect(page.locator("h1")).to_have_text("plain")

    page.goto(f"{fed.url}/feeds/")
    page.get_by_role("searchbox").fill("plain")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("tr[id]")).to_have_count(1)
    expect(page.locator(".pulse .lost")).to_be_hidden()


def test_it_can_be_used_by_keyboard_alone(crowded: Fed, staff: Staff) -> None:
    page = staff(crowded)
    page.get_by_role("searchbox").press_sequentially("disk")
    # Whoever types is not disturbed by what arrives meanwhile.
    asks_again(page)
    expect(page.get_by_role("searchbox")).to_have_value("disk")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("tr[id]")).to_have_count(1)

    page.get_by_role("link", name="disk", exact=True).focus()
    asks_again(page)
    expect(page.get_by_role("link", name="disk", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("disk")
    page.locator("summary").press("Enter")
    asks_again(page)
    expect(page.locator("details pre")).to_be_visible()
    page.get_by_role("link", name="Edit").press("Enter")
    expect(page.get_by_role("heading", name="Edit")).to_be_visible()


PATHS = ["list", "feed", "edit", "new", "delete"]


def address(wall: Fed, what: str, name: str = "payments") -> str:
    found = wall.query(f"SELECT id FROM widgets_feed WHERE name = '{name}'")[0][0]
    return {
        "list": "/feeds/", "feed": f"/feeds/{found}/", "edit": f"/feeds/{found}/edit/",
        "new": "/feeds/new/?source=http", "delete": f"/feeds/{found}/delete/",
    }[what]  # fmt: skip


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("what", PATHS)
def test_nothing_overlaps_is_cut_or_runs_out_of_the_screen(
    crowded: Fed, staff: Staff, what: str, screen: str
) -> None:
    width, height, _, _ = SCREENS[screen]
    name = LONG if what in {"feed", "edit", "delete"} else "payments"
    page = staff(crowded, address(crowded, what, name), width, height)
    page.evaluate("document.fonts.ready.then(() => null)")

    # It lies on what is scrolled beneath it, as it should.
    page.evaluate("document.querySelectorAll('.stay').forEach(e => e.style.position = 'static')")

    said = page.evaluate(SCRIPT, {"least": 12, "main": 14, "still": False})

    OUT.mkdir(exist_ok=True)
    page.screenshot(path=OUT / f"feeds-{what}-{screen}.png", full_page=screen == "phone")
    # What is for those who listen, and what is not visible as long as there is a link.
    unseen = ("in .unseen", "connection lost")
    assert [one for one in said if not any(sign in one for sign in unseen)] == []


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("what", PATHS)
def test_axe_finds_nothing_serious(crowded: Fed, staff: Staff, what: str, theme: str) -> None:
    page = staff(crowded, address(crowded, what))
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)

    found = Axe().run(page)["violations"]

    serious = [
        (rule["id"], [node["html"][:200] for node in rule["nodes"]][:3])
        for rule in found
        if rule["impact"] in {"serious", "critical"}
    ]
    assert serious == []
