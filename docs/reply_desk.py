"""A request that takes several steps, for the picture of a trace: `python -m docs.reply_desk` fills `TRACELM_HOME`.

What the model says, how long it takes and what it costs is real: the small model of the demo is asked, on this machine.
"""

import os
from typing import Final

import openai

import tracelm
from tests.browser.shop import PRICES
from tracelm.local_model import LocalModel
from tracelm.scorers import PII

_QUESTION: Final = "Hello, order 1207 is not here yet. When does my parcel arrive?"
_ARTICLES: Final = {
    "parcel": "A parcel is delivered two days after it was sent.",
    "order": "An order can be changed until it was sent.",
    "refund": "A refund takes three days.",
}
_ORDERS: Final = {1207: {"state": "sent", "sent_on": "Monday", "parcel": "JD-0042"}}
_DEPOTS: Final = {"west": {"JD-0042": "Cologne, on the way to you"}}


def ask(system: str, text: str, *, max_tokens: int) -> str:
    """Ask the model once."""
    reply = openai.OpenAI(max_retries=0).chat.completions.create(
        model="smollm2-135m",
        temperature=0,
        max_tokens=max_tokens,
        messages=[{"role": "system", "content": system}, {"role": "user", "content": text}],
    )
    return (reply.choices[0].message.content or "").strip()


@tracelm.op
def is_about_delivery(question: str) -> bool:
    """Whether a customer waits for something."""
    return ask("Answer yes or no.", f"Is this about a delivery? {question}", max_tokens=3).lower().startswith("yes")


@tracelm.op(kind="retrieval")
def find_articles(question: str) -> list[str]:
    """Find what the handbook says."""
    return [text for word, text in _ARTICLES.items() if word in question.lower()]


@tracelm.op(kind="tool")
def look_up_order(number: int) -> dict[str, str]:
    """Find an order."""
    return _ORDERS[number]


@tracelm.op(kind="tool")
def track_parcel(parcel: str, depot: str) -> str:
    """Ask a depot where a parcel is."""
    return _DEPOTS[depot][parcel]


@tracelm.op
def where_is(parcel: str) -> str:
    """Ask one depot after the other."""
    for depot in ("east", "west"):
        try:
            return track_parcel(parcel, depot)
        except KeyError:
            continue
    return "not known"


@tracelm.op
def draft(facts: str) -> str:
    """Write a reply."""
    return ask("You work at a help desk.", f"Write one polite sentence to a customer: {facts}", max_tokens=56)


@tracelm.guard(tracelm.Guardrail(PII(), action="block"))
@tracelm.op
def reply_to_customer(question: str, order: int) -> str:
    """Answer a customer's question about an order."""
    is_about_delivery(question)
    articles = find_articles(question)
    found = look_up_order(order)
    place = where_is(found["parcel"])
    reply = draft(f"the parcel of order {order} was sent on {found['sent_on']} and arrives on Wednesday.")
    return "\n".join([reply, f"It is in {place}.", *articles])


def main() -> None:
    """Answer one question."""
    tracelm.init("reply-desk", prices=PRICES)
    with LocalModel() as server, tracelm.session("conversation-7", user_id="ada"):
        os.environ |= {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "local"}
        draft("thank you for waiting.")  # the first request loads the model
        print(reply_to_customer(_QUESTION, 1207))
    tracelm.shutdown()


if __name__ == "__main__":
    main()
