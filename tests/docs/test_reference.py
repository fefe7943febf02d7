"""The reference says what the code says: no name, setting, command, integration or attribute without a section."""

import re
from dataclasses import fields
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import tracelm
from docs.generate import API, pages
from docs.server import api_description
from tests.docs.blocks import ROOT, documents
from tracelm import semconv
from tracelm.settings import Settings, env_variable
from tracelm.testing.conformance.metrics import NEWEST, OF_1_41

REFERENCE = ROOT / "docs" / "reference"
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NOT_ATTRIBUTES = {"application/json", "text/plain"}


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def headings(text: str) -> set[str]:
    return {line.lstrip("#").strip() for line in text.splitlines() if line.startswith("#")}


def test_the_generated_pages_are_what_the_generator_gives() -> None:
    for name, text in pages().items():
        assert page(name) == text, f"{name} is behind the code: run `make docs`"


def test_the_description_that_the_web_ui_is_typed_by_is_that_of_the_api() -> None:
    assert API.read_text(encoding="utf-8") == api_description(), "web/api.json is behind the code: run `make docs`"


def test_every_setting_stands_in_the_reference() -> None:
    rows = {line.split("|")[1].strip() for line in page("settings.md").splitlines() if line.startswith("| `")}
    assert {f"`{each.name}`" for each in fields(Settings)} <= rows
    assert all(
        env_variable(each.name) in page("settings.md") for each in fields(Settings) if each.metadata.get("env", True)
    )


def test_every_command_has_a_section() -> None:
    from tracelm.cli.main import commands

    assert {f"tracelm {name}" for name in commands()} <= headings(page("cli.md"))


def test_every_public_name_has_a_section() -> None:
    assert {f"tracelm.{name}" for name in tracelm.__all__} <= headings(page("python.md"))


def test_every_integration_has_a_section() -> None:
    registered = {
        each.name for each in entry_points(group="tracelm.integrations") if each.module.startswith("tracelm.")
    }
    assert registered
    assert registered <= headings(page("integrations.md"))


def test_every_scorer_has_a_section() -> None:
    assert set(tracelm.scorers.__all__) <= headings(page("scorers.md"))


def test_every_attribute_that_is_written_is_explained_and_no_other() -> None:
    written = {
        value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)
    } - _NOT_ATTRIBUTES
    written |= set(semconv.COST_BUCKETS.values())
    text = page("record.md")
    explained = set(re.findall(r"`([a-z_]+(?:\.[a-z0-9_]+)+)`", text)) - {*NEWEST, *OF_1_41}  # metrics
    assert written - explained == set()
    assert {each for each in explained if each.startswith(("tracelm.", "gen_ai."))} - written - {
        "tracelm.session"
    } == set()


@pytest.mark.parametrize("name", documents())
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    broken = [link for link in _LINK.findall(text) if not link.startswith("http") and not _leads(ROOT / name, link)]
    assert broken == []


def _leads(page_path: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page_path.parent / path).resolve() if path else page_path
    if not target.exists():
        return False
    if not anchor:
        return True
    taken: dict[str, int] = {}
    for line in target.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            slug = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
            count = taken[slug] = taken.get(slug, -1) + 1
            if anchor == (slug if count == 0 else f"{slug}-{count}"):
                return True
    return False


def test_every_page_can_be_reached_from_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages_of_docs = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    expected = {str(path) for path in pages_of_docs if path.parts[0] not in {"README.md", "decisions"}}
    assert expected == {link for link in _LINK.findall(index) if link != "decisions/"}
