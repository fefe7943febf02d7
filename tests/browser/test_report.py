"""The report of an evaluation: one file, opened from the disk, without a server."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import ROOT, SCREENSHOTS, Watched
from tests.browser.seen import run_ids, serious_faults
from tests.serving import Serving
from tracelm.server.pages import STATIC

_HOSTILE = """
import sys, tracelm
from tests.browser.sent import INJECTIONS

def echo(text):
    if text == INJECTIONS[0]:
        raise ValueError(text)
    return {text[:200]: text}

def label(output, text):
    return tracelm.Score(value=len(text) % 2 == 0, explanation=text)

end = "<!--<script </script ><script>window.hacked = 1</script>"
rows = [{"text": each, INJECTIONS[2]: INJECTIONS[n % 2], "end": end} for n, each in enumerate(INJECTIONS)]
evaluation = tracelm.Evaluation(name=INJECTIONS[0], dataset=tracelm.Dataset(name="x", rows=rows), scorers=[label])
baseline, run = evaluation.run(echo), evaluation.run(echo)
run.report(baseline=baseline, by=[INJECTIONS[2]]).save(sys.argv[1])
"""


@pytest.fixture
def asked(page: Page) -> Iterator[list[str]]:
    """What the page asks for; the test fails where it is more than the file itself."""
    found: list[str] = []

    def seen(request: Request) -> None:
        found.append(request.url)

    page.on("request", seen)
    yield found
    assert [each for each in found if not re.match(r"(file|blob):", each)] == []
    assert len({each for each in found if each.startswith("file:")}) == 1


def _tracelm(home: Path, *arguments: str) -> None:
    code = "import sys; from tracelm.cli.main import main; sys.argv[0] = 'tracelm'; main()"
    env = os.environ | {"TRACELM_HOME": str(home)}
    subprocess.run([sys.executable, "-c", code, *arguments], env=env, check=True, capture_output=True)


def test_a_run_is_one_file_with_its_scores_slices_and_rows(
    page: Page, server: Serving, asked: list[str], tmp_path: Path
) -> None:
    newer, _ = run_ids(server)
    file = tmp_path / "run.html"
    _tracelm(server.home, "eval", "export", newer, "--output", str(file))
    page.goto(file.as_uri())
    expect(page.get_by_role("row", name=re.compile("^mentions_app"))).to_contain_text("36 of 36")
    politeness = page.get_by_role("row").filter(has_text="politeness").first
    expect(politeness).to_contain_text(re.compile(r"0\.\d{3} to 0\.\d{3}"))
    expect(page.get_by_role("img", name=re.compile("^values: ")).first).to_be_visible()
    expect(page.get_by_role("table", name="Scores by question")).to_contain_text("Why was my payment refused?")
    expect(page.get_by_role("button", name="scored 36")).to_be_visible()
    page.get_by_role("button", name="As in the dataset").click()
    page.get_by_role("button", name="3", exact=True).click()
    expect(page.get_by_text("About your question, where do i see my limit?").last).to_be_visible()
    expect(page.get_by_role("button", name="Copy the command")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").last.click()
    assert download.value.path().read_text(encoding="utf-8").count("\n") >= 36
    assert asked[0] == file.as_uri()


def test_two_runs_are_compared_in_one_file(page: Page, server: Serving, asked: list[str], tmp_path: Path) -> None:
    newer, older = run_ids(server)
    file = tmp_path / "compared.html"
    asks = ["--by", "question", "--check", "politeness >= 0.5"]
    _tracelm(server.home, "eval", "compare", newer, older, *asks, "--output", str(file))
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme="light" if theme == "light" else "dark")
        page.goto(file.as_uri())
        expect(page.get_by_role("row", name=re.compile("^politeness better"))).to_contain_text("36 / 0 / 0")
        expect(page.get_by_text("passed").first).to_be_visible()
        expect(page.get_by_text("Please look into the app").first).to_be_visible()
        assert serious_faults(page) == []
        page.screenshot(path=SCREENSHOTS / f"report-{theme}.png", full_page=True, animations="disabled")
    points = page.get_by_role("img", name=re.compile("^Rows by politeness")).locator("circle")
    points.last.click()
    expect(page.get_by_text("36 better (100 %)")).to_be_visible()
    assert asked


def test_a_report_of_hostile_texts_is_only_text(page: Page, asked: list[str], tmp_path: Path) -> None:
    file = tmp_path / "hostile.html"
    env = os.environ | {"TRACELM_HOME": str(tmp_path / "home")}
    subprocess.run([sys.executable, "-c", _HOSTILE, str(file)], cwd=ROOT, env=env, check=True, capture_output=True)
    page.goto(file.as_uri())
    expect(page.get_by_role("heading", level=1)).to_contain_text("<script>window.hacked = 1</script>")
    # Each row of the list, and each that is compared.
    rows = page.get_by_role("button", name=re.compile(r"^\d+$"))
    for index in range(rows.count()):
        rows.nth(index).click()
    assert page.evaluate("window.hacked") is None
    assert page.locator("iframe, object, embed, img, a[href]").count() == 0
    assert page.locator("script").count() == 2
    assert asked


def test_the_policy_of_the_file_runs_nothing_that_was_put_into_it(
    page: Page, server: Serving, watched: dict[str, Watched], tmp_path: Path
) -> None:
    file = tmp_path / "changed.html"
    _tracelm(server.home, "eval", "export", run_ids(server)[0], "--output", str(file))
    text = file.read_text(encoding="utf-8")
    root = '<div id="root">'
    file.write_text(text.replace(root, f"<script>window.hacked = 1</script>{root}"), encoding="utf-8")
    watched["page"].expected = ("Executing inline script violates",)
    page.goto(file.as_uri())
    expect(page.get_by_role("heading", name="Scores")).to_be_visible()
    assert page.evaluate("window.hacked") is None
    assert len(page.evaluate("window.violations")) == 1
    page.evaluate("window.violations = []")


def test_the_page_of_a_report_is_small_and_the_server_keeps_it(server: Serving) -> None:
    assert (STATIC / "report.html").stat().st_size < 350_000
    assert b'id="report"' not in server.ask("GET", "/report.html").body
