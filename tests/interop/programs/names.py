"""What `NamesAndAddresses` finds with the real Presidio and the model that the extra brings; prints JSON."""

import json
import logging
import sys
from collections.abc import Iterator

import tracelm
from tracelm.scorers import PII, NamesAndAddresses

logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
TEXT = "Yesterday Barbara Johnson flew from London to Boston. She lives at 12 Old Mill Road, Apt. 4."

scorer = NamesAndAddresses()
score = scorer.score(output=TEXT)
found = [[TEXT[each["start"] : each["end"]], each["type"]] for each in score.details["spans"]]
only = NamesAndAddresses(entities=("PERSON",)).score(output=TEXT)


def refusal(model: str) -> str:
    """Return what is said about a model that is not there: nothing is fetched."""
    try:
        NamesAndAddresses(model=model).score(output=TEXT)
    except tracelm.ConfigError as error:
        return str(error)
    return ""


@tracelm.guard(
    tracelm.Guardrail(PII(), action="replace"),
    tracelm.Guardrail(scorer, action="replace", release="sentence"),
)
def stream() -> Iterator[str]:
    """Yield the text a few characters at a time."""
    text = f"{TEXT} Write to her: barbara@example.com."
    yield from (text[place : place + 3] for place in range(0, len(text), 3))


json.dump(
    {
        "found": found,
        "only persons": [each["type"] for each in only.details["spans"]],
        "nothing": scorer.score(output="The invoice is due tomorrow.").passed,
        "a value": scorer.score(output={"note": "Ask Barbara Johnson in London."}).passed,
        "not there": refusal("en_core_web_lg"),
        "streamed": "".join(stream()),
    },
    sys.stdout,
)
