"""A program as users write it: a help desk that is traced, guarded, watched, evaluated twice, and has conversations.

Run as a process of its own (`python -m tests.browser.shop`), it fills the store of `TRACELM_HOME`. The model's answers
are recordings, asked for with OpenAI's real client.
"""

import contextlib
import os
import time

import anyio
import openai

import tracelm
from tests.recordings.server import load, serve
from tracelm.monitors.alerts.watch import look
from tracelm.monitors.worker import catch_up
from tracelm.scorers import PII

PRICES = {"smollm2-135m": {"input_usd_per_mtok": 0.02, "output_usd_per_mtok": 0.04}}
QUESTIONS = [
    "What is a card payment?",
    "How do I block my card?",
    "Why was my payment refused?",
    "Where do I see my limit?",
    "Can I pay abroad?",
    "What does a refund take?",
]
ARTICLES = {"card": "Cards are blocked at once in the app.", "payment": "A payment is refused above the limit."}


@tracelm.op(kind="retrieval")
def find_articles(question: str) -> list[str]:
    return [text for word, text in ARTICLES.items() if word in question.lower()]


@tracelm.op
def answer(question: str) -> str:
    articles = find_articles(question)
    reply = openai.OpenAI(max_retries=0).chat.completions.create(
        model="smollm2-135m",
        temperature=0,
        max_tokens=40,
        messages=[
            {"role": "system", "content": "Answer in one short sentence. " + " ".join(articles)},
            {"role": "user", "content": question},
        ],
    )
    return reply.choices[0].message.content or ""


def short(output: str) -> bool:
    return len(output) < 160


@tracelm.guard(tracelm.Guardrail(PII(), action="block"))
@tracelm.guard(tracelm.Guardrail(short, action="block", mode="shadow"))
@tracelm.op
def write_mail(question: str, signature: str = "") -> str:
    return f"{answer(question)} {signature}".strip()


@tracelm.op
def look_up_order(number: int) -> dict[str, object]:
    if number % 7 == 0:
        raise LookupError(f"order {number} is not known")
    return {"number": number, "state": "sent", "items": [{"sku": f"A-{n}", "count": n} for n in range(1, 4)]}


def brief(question: str) -> str:
    return f"{question.rstrip('?')}: see the app."


def careful(question: str) -> str:
    return f"About your question, {question.lower()} Please look into the app, under Cards."


def mentions_app(output: str) -> bool:
    return "app" in output


def politeness(output: str) -> float:
    return 0.9 if "Please" in output else 0.3 + len(output) % 5 / 20


def evaluate() -> None:
    rows = [{"question": question, "expected": "app"} for question in QUESTIONS * 6]
    dataset = tracelm.Dataset(name="help-desk", rows=rows)
    dataset.publish()
    for task in (brief, careful):
        tracelm.Evaluation(name="help desk", dataset=dataset, scorers=[mentions_app, politeness]).run(task)


def watch() -> None:
    low = tracelm.Alert("pass_rate < 0.9", score="mentions_app", min_n=5, severity="critical", name="app is missing")
    seldom = tracelm.Alert("error_rate > 0.5", min_n=5)
    monitor = tracelm.Monitor(
        name="answers", scorers=[mentions_app, politeness], where="op:answer", alerts=[low, seldom]
    )
    look_after(monitor)


def look_after(monitor: tracelm.Monitor) -> None:
    """Judge what is new, and look at the alerts."""

    async def work() -> None:
        await catch_up(store, monitor)
        await look(store, monitor, now_ns=time.time_ns())

    with tracelm.open_store() as store:
        anyio.run(work)


def main() -> None:
    tracelm.init("help-desk", prices=PRICES)
    with serve(load()) as url:
        os.environ |= {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "test"}
        for number, question in enumerate(QUESTIONS):
            with tracelm.session(f"conversation-{number % 2}", user_id="ada" if number % 2 else "grace"):
                answer(question)
        write_mail(QUESTIONS[0])
        with contextlib.suppress(tracelm.GuardrailTripped):
            write_mail(QUESTIONS[1], signature="Call Ada Lovelace at +1 212 555 0187, card 4111 1111 1111 1111.")
        for number in range(1, 22):
            with contextlib.suppress(LookupError):
                look_up_order(number)
    evaluate()
    tracelm.shutdown()
    watch()


if __name__ == "__main__":
    main()
