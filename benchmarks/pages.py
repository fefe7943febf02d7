"""How long pages of the web UI take in a real Chromium, from the address to what one came for.

    python -m benchmarks.pages [--rounds 9]

Each page is opened in a browser context of its own, so nothing is cached; rounds are interleaved. Beside them stands
the floor, an answer of the same server without any script. It needs the built UI (`make web`) and a Chromium (`make
browser`).
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser import sent
from tests.browser.chromium import launch
from tests.serving import serving

# Both clocks start when the address is entered. What was put in the page counts once a frame with it has been drawn.
_WATCH = """
window.seen = new Promise((tell) => {
  const look = () => document.querySelector(SELECTOR)
    ? requestAnimationFrame(() => setTimeout(() => tell(performance.now())))
    : requestAnimationFrame(look);
  look();
});
"""
_PAINTED = """() => window.seen.then((seen) => {
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return [paint ? paint.startTime : seen, seen];
})"""


def opened(browser: Browser, address: str, selector: str) -> tuple[float, float]:
    """Return when the page had its first paint, and when what `selector` names was drawn, in ms."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.add_init_script(_WATCH.replace("SELECTOR", repr(selector)))
    page.goto(address, wait_until="commit")
    paint, seen = page.evaluate(_PAINTED)
    context.close()
    return paint, seen


def main(rounds: int) -> None:
    """Fill a server, open its pages, and print a table."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server, sync_playwright() as playwright:
        for body in sent.large_trace():
            if server.send(body, content_type="application/json").status != 200:
                raise SystemExit("the server refused the trace: see its log")
        large = f"{server.url}/traces/{sent.LARGE}"
        pages = {
            "floor: an answer without a script": (f"{server.url}/healthz", "body"),
            "the list of traces": (f"{server.url}/traces", "[data-trace]"),
            "a trace of 33,000 spans": (large, "[data-span]"),
        }
        browser = launch(playwright)
        took: dict[str, list[tuple[float, float]]] = {name: [] for name in pages}
        first = opened(browser, large, "[data-span]")  # the server has not yet looked at it either
        for _ in range(rounds):
            for name, (address, selector) in pages.items():
                took[name].append(opened(browser, address, selector))
        browser.close()
    print(f"{'ms, median of ' + str(rounds) + ' (least to most)':38}{'first paint':>22}{'what one came for':>22}")
    for name, each in (took | {"the same, when it had just come in": [first]}).items():
        print(f"{name:38}" + "".join(f"{shown(values):>22}" for values in zip(*each, strict=True)))


def shown(values: tuple[float, ...]) -> str:
    """Return the median, and the span."""
    return f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    main(parser.parse_args().rounds)
