"""tracelm records of OpenAI's client what OpenTelemetry's own instrumentation records, and more."""

from pathlib import Path

import pytest

from docs.openai_compared import PAGE, Found, compare, page
from tests.recordings.foreign import replayed, speaking_openai
from tests.recordings.recorded import Recorded

BY_THE_CLIENT = "gen_ai.request.encoding_formats"
"""The client asks for base64 by itself: then nobody can tell that the program did, and it is not recorded."""

Compared = tuple[list[Recorded], list[Found], list[Found]]


@pytest.fixture(scope="module")
def compared(shared: Path) -> Compared:
    folder = shared / "recordings"
    return compare(lambda: replayed(folder), speaking_openai(folder))


def test_of_every_exchange_everything_that_opentelemetry_records_is_recorded(compared: Compared) -> None:
    for recorded, ours, theirs in zip(*compared, strict=True):
        assert (ours.spans, ours.broke) == (1, "")
        if theirs.broke:  # what it records then is its own failure
            continue
        missing = [
            *(theirs.attributes - ours.attributes),
            *(theirs.metrics - ours.metrics),
            *(theirs.events - ours.events),
        ]
        if recorded.request.get("encoding_format", "base64") == "base64" and BY_THE_CLIENT in missing:
            missing.remove(BY_THE_CLIENT)
        assert missing == [], recorded.recording["id"]


@pytest.mark.openai(3, 0)
def test_the_page_of_the_reference_says_what_was_found(compared: Compared) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(*compared)
