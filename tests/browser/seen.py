"""What tests look for in the pages."""

from playwright.sync_api import Locator, Page

from tests.serving import Serving


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
