"""What the documentation shows of the filter language can be read."""

import re

import pytest

from tests.docs.blocks import ROOT
from tracelm.store.filters import parse

_ROW = re.compile(r"^ *\| `([^`]+)` \|", re.MULTILINE)
_EXAMPLE = re.compile(r"`([^`]+)` \|$", re.MULTILINE)


def shown() -> list[str]:
    how_to = (ROOT / "docs" / "how-to" / "find-a-trace.md").read_text(encoding="utf-8")
    fields = (ROOT / "docs" / "reference" / "filters.md").read_text(encoding="utf-8").partition("## Fields")[2]
    return [*_ROW.findall(how_to), *_EXAMPLE.findall(fields)]


def test_the_documentation_shows_filters() -> None:
    assert len(shown()) > 30


@pytest.mark.parametrize("text", shown())
def test_a_filter_of_the_documentation_can_be_read(text: str) -> None:
    assert parse(str(parse(text))) == parse(text)
