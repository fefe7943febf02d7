"""Settings: who asks, and the keys."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched
from tests.serving import Serving, make_key, serving


def test_an_admin_makes_a_key_that_works_and_revokes_it(
    page: Page, tmp_path: Path, watched: dict[str, Watched]
) -> None:
    watched["page"].expected = ("Failed to load resource",)
    home = tmp_path / "keys"
    admin = make_key(home, "read", "admin", name="ada")
    with serving(home, "--retain=errors 90d, rest 14d") as server:
        page.goto(f"{server.url}/settings")
        page.get_by_label("API key").fill(admin)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("errors 90d, rest 14d")).to_be_visible()
        form = page.get_by_role("form", name="Make a key")
        form.get_by_label("Name").fill("billing")
        form.get_by_label("read").check()
        form.get_by_label(re.compile("^Projects")).fill("shop")
        form.get_by_role("button", name="Make a key").click()
        made = form.locator("code").inner_text()
        assert server.post("/session", {"key": made}).json["projects"] == ["shop"]
        line = page.get_by_role("row").filter(has_text="billing")
        expect(line).to_contain_text("ingest, read")
        line.get_by_role("button", name="Revoke billing").click()
        page.get_by_role("button", name="Revoke it").click()
        expect(line).to_contain_text("revoked")
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("API key")).to_be_visible()


def test_a_program_without_a_key_is_told_where_keys_come_from(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/settings")
    expect(page.get_by_text("tracelm keys create --name me --admin")).to_be_visible()
    expect(page.get_by_text("a program on this machine, without a key")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="gpt-4o-mini")).to_contain_text("openai")
