"""Conversations."""

from playwright.sync_api import Page, expect

from tests.serving import Serving


def test_a_session_is_a_thread(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/sessions")
    page.get_by_role("link", name="conversation-1").click()
    turns = page.get_by_role("listitem").filter(has_text="answer")
    expect(turns).to_have_count(3)
    expect(turns.first).to_contain_text("How do I block my card?")
