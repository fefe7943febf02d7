"""What tests look for in the pages."""

from pathlib import Path

from playwright.sync_api import Locator, Page

from tests.serving import Serving

_AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"


def serious_faults(page: Page) -> list[str]:
    """What axe finds that keeps somebody out."""
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for each in found["violations"]
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"][:3]
    ]


def lines(page: Page) -> Locator:
    """The lines of the list of traces."""
    return page.locator("[data-trace]")


def spans(page: Page) -> Locator:
    """The lines of the tree."""
    return page.locator("[data-span]")


def trace_named(page: Page, name: str) -> Locator:
    """The lines of traces with this name."""
    return lines(page).filter(has=page.get_by_role("link", name=name, exact=True))


def run_ids(server: Serving) -> tuple[str, str]:
    """The newer run and the older one."""
    newer, older = server.get("/runs").json["items"][:2]
    return newer["run_id"], older["run_id"]
