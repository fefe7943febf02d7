"""Datasets."""

from playwright.sync_api import Page, expect

from tests.serving import Serving


def test_a_dataset_shows_its_versions_and_rows(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/datasets")
    expect(page.get_by_role("heading", name="36 rows")).to_be_visible()
    expect(page.get_by_role("cell", name="What is a card payment?").first).to_be_visible()
