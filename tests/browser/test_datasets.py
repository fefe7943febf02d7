"""Datasets."""

import os
import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, SCREENSHOTS
from tests.browser.seen import lines, run_ids
from tests.serving import Serving, serving

_TRAINED = """
import tracelm
from tracelm.data.model import publish_model

tracelm.init("tuning", patch=False)
dataset = tracelm.Dataset(name="sums", rows=[{"question": "1 + 1", "expected": "2"}])
dataset = dataset.publish()
with tracelm.span("train adder") as span:
    trained = {"id": "e2128054", "project": "tuning", "trace_id": span.trace_id, "span_id": span.span_id}
of = {"name": "sums", "digest": dataset.digest, "version": dataset.version}
model = publish_model("adder", None, about={"dataset": of, "training": trained})

def right(output, expected):
    return output == expected

def add(question):
    return "2"

for each in (model, None):
    tracelm.Evaluation(name="sums", dataset=dataset, scorers=[right]).run(add, model=each)
tracelm.shutdown()
"""


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


def test_a_run_and_the_lineage_lead_to_the_model_and_its_training(page: Page, tmp_path: Path) -> None:
    home = tmp_path / "home"
    env = os.environ | {"TRACELM_HOME": str(home)}
    subprocess.run([sys.executable, "-c", _TRAINED], cwd=ROOT, env=env, check=True, capture_output=True)
    with serving(home) as server:
        other, run = run_ids(server)
        page.goto(f"{server.url}/evaluations/{run}")
        expect(page.get_by_text("adder v0 trained on sums v0")).to_be_visible()
        page.get_by_role("link", name="Open its training").click()
        expect(page.get_by_role("heading", name="train adder").first).to_be_visible()
        page.goto(f"{server.url}/evaluations/{other}")
        expect(page.get_by_text("1 of 1")).to_be_visible()
        expect(page.get_by_text("adder v0")).to_have_count(0)
        page.goto(f"{server.url}/datasets?name=sums")
        graph = page.get_by_role("region", name="Lineage")
        expect(graph.get_by_text("Model", exact=True)).to_be_visible()
        graph.get_by_role("button", name="adder model v0").click()
        faded = graph.locator("div.opacity-45")
        expect(faded.filter(has_text=other[:12])).not_to_have_count(0)
        expect(faded.filter(has_text=run[:12])).to_have_count(0)
        graph.screenshot(path=SCREENSHOTS / "lineage-of-a-model.png", animations="disabled")
        graph.get_by_role("link", name="Open adder model v0: its training").click()
        expect(page.get_by_role("heading", name="train adder").first).to_be_visible()
        page.goto("about:blank")  # which asks the server for nothing when it goes
