"""Datasets."""

import re

from playwright.sync_api import Page, expect

from tests.browser.seen import lines, run_ids
from tests.serving import Serving


def test_a_dataset_shows_its_versions_and_rows(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/datasets")
    page.get_by_role("link", name="help-desk").first.click()  # which one is shown first is a matter of names
    expect(page.get_by_role("heading", name="36 rows")).to_be_visible()
    expect(page.get_by_role("cell", name="What is a card payment?").first).to_be_visible()


def test_a_lineage_leads_from_a_version_to_its_runs_and_their_traces(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/datasets?name=help-desk")
    graph = page.get_by_role("region", name="Lineage")
    newer, older = run_ids(server)
    graph.get_by_role("button", name=re.compile(f"^help desk {newer[:12]}")).click()
    expect(graph.get_by_role("button", name=re.compile("^careful"))).to_be_visible()
    faded = graph.locator("div.opacity-45")
    expect(faded).to_have_count(3)
    expect(faded.filter(has_text="brief")).to_have_count(1)
    graph.get_by_role("link", name=f"Open 36 traces {older[:12]}").click()
    expect(page.get_by_role("combobox", name="Filter")).to_have_value(f'run:"{older}"')
    expect(lines(page).first).to_be_visible()
    page.go_back()
    graph.get_by_role("link", name=f"Open help desk {newer[:12]}").click()
    expect(page).to_have_url(re.compile(f"/evaluations/{newer}"))
