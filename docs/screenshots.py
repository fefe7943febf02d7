"""Takes the pictures of the web UI that the documentation shows: `python -m docs.screenshots`.

They are of real data: the demo and a request of several steps (`docs/reply_desk.py`) are run on the local model, and
`tracelm serve` shows what they recorded. What takes more calls is shown of a help desk that was busy for a while
(`docs/help_desk.py`). Needs `make browser`.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.chromium import launch
from tests.serving import Serving, serving

ROOT: Final = Path(__file__).parent.parent
IMAGES: Final = Path(__file__).parent / "images"
_SIZE: Final[Any] = {"width": 1280, "height": 720}


def main() -> None:
    """Run the demo in a folder of its own, and take the pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        env = os.environ | {"TRACELM_HOME": folder}
        for command in (["examples/fraud_explainer.py"], ["-m", "docs.reply_desk"]):
            subprocess.run([sys.executable, *command], cwd=ROOT, env=env, check=True)
        with serving(home) as server, sync_playwright() as playwright:
            browser = launch(playwright)
            page = browser.new_page(viewport=_SIZE, color_scheme="light", reduced_motion="reduce")
            for name, (path, text) in _pictures(server).items():
                _take(page, f"{server.url}{path}", text, IMAGES / f"{name}.png")
            browser.close()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        env = os.environ | {"TRACELM_HOME": folder}
        subprocess.run([sys.executable, "-m", "docs.help_desk"], cwd=ROOT, env=env, check=True)
        with serving(home) as server, sync_playwright() as playwright:
            browser = launch(playwright)
            page = browser.new_page(viewport=_SIZE, color_scheme="light", reduced_motion="reduce")
            for name, (path, text) in _of_traffic().items():
                _take(page, f"{server.url}{path}", text, IMAGES / f"{name}.png")
            _judge(page, server)
            browser.close()


def _pictures(server: Serving) -> dict[str, tuple[str, str]]:
    """The pages that are shown, each with a text that is there when it is complete."""
    trace = server.get("/traces", where="name:reply_to_customer").json["items"][0]["trace_id"]
    calls = [each for each in server.get(f"/traces/{trace}").json["spans"] if each["operation"] == "chat"]
    span = f"{calls[-1]['project']}/{calls[-1]['span_id']}"
    run = server.get("/runs").json["items"][0]["run_id"]
    return {
        "trace": (f"/traces/{trace}?span={span}", "You work at a help desk."),
        "run": (f"/evaluations/{run}", "relevance_scorer.mentions_amount"),
    }


def _of_traffic() -> dict[str, tuple[str, str]]:
    """The pages that need traffic, each with a text that is there when it is complete."""
    return {
        "home": ("/", "Scores over time"),
        "monitors": ("/monitors", "Inputs that fail most"),
        "traces": ("/traces?where=-name:evaluation*", "write_mail"),
    }


def _judge(page: Page, server: Serving) -> None:
    """Judge some answers by hand, so that there is an agreement to show."""
    page.goto(f"{server.url}/annotate?where=name:answer&score=helpful&judge=on_subject")
    item = page.get_by_role("region", name="The item")
    page.get_by_label("Author").fill("ada")
    for number in range(1, 13):
        expect(item).to_contain_text(f"{number} of ")
        expect(item.get_by_text("question:")).to_be_visible()
        is_about_cards = item.get_by_text("card").or_(item.get_by_text("payment")).count() > 1  # in question and answer
        is_helpful = is_about_cards != (number == 4)  # of one of them somebody thinks otherwise than the judge
        item.get_by_role("button", name="yes" if is_helpful else "no").click()
    expect(item).to_contain_text("13 of ")
    expect(page.get_by_text("Where they differ")).to_be_visible()
    expect(item.get_by_text("question:")).to_be_visible()
    _keep(page, IMAGES / "annotate.png")


def _take(page: Page, address: str, text: str, file: Path) -> None:
    page.goto(address)
    expect(page.get_by_text(text).first).to_be_visible()
    expect(page.get_by_text("Loading")).to_have_count(0)
    _keep(page, file)


def _keep(page: Page, file: Path) -> None:
    page.screenshot(path=file, animations="disabled")
    sys.stdout.write(f"{file.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
