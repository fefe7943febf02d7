"""A help desk with some traffic, for the pictures of the web UI: `python -m docs.help_desk` fills `TRACELM_HOME`.

The program is that of `tests/browser`; here it is busy for a while, and gets worse in the middle. The model's answers
are recordings, asked for with OpenAI's real client; what judges them are real scorers.
"""

import contextlib
import os
import random
from typing import Final

import tracelm
from tests.browser import shop
from tests.recordings.server import load, serve

_ROUNDS: Final = 40
_WORSE: Final = range(22, 34)
_PEOPLE: Final = ("ada", "grace", "linus", "barbara")
_SIGNED: Final = "Call Ada Lovelace at +1 212 555 0187, card 4111 1111 1111 1111."


def on_subject(question: str, output: str) -> bool:
    """Whether an answer names what was asked about."""
    return any(word.strip("?").lower() in output.lower() for word in question.split() if len(word) > 4)


def brevity(output: str) -> float:
    """Shorter is better: from 1 for nothing to 0 for 300 characters."""
    return max(0.0, 1 - len(output) / 300)


def be_busy() -> None:
    """Answer questions round after round, write mails of which some may not go out, and have it watched."""
    chance = random.Random(7)  # noqa: S311 - not for secrets
    off_subject = [each for each in shop.QUESTIONS if "refund" in each or "abroad" in each]
    for number in range(_ROUNDS):
        questions = off_subject if number in _WORSE else shop.QUESTIONS
        for _ in range(chance.randint(1, 5)):
            person = chance.choice(_PEOPLE)
            with tracelm.session(f"conversation-{person}-{number // 8}", user_id=person):
                shop.answer(chance.choice(questions))
        with contextlib.suppress(LookupError):
            shop.look_up_order(number + 1)
        with contextlib.suppress(tracelm.GuardrailTripped):
            shop.write_mail(chance.choice(shop.QUESTIONS[:2]), signature=_SIGNED if number % 7 == 3 else "")
        if number % 4 == 3:
            watch()


def watch() -> None:
    """Judge what was answered since the last time, and look at the alerts."""
    monitor = tracelm.Monitor(
        name="answers",
        scorers=[on_subject, brevity],
        where="op:answer",
        alerts=[
            tracelm.Alert(
                "pass_rate < 0.9", score="on_subject", window="5s", min_n=10, severity="critical", resolve_after=None
            ),
            tracelm.Alert("mean < 0.2", score="brevity", window="5s", min_n=10),
        ],
    )
    shop.look_after(monitor)


def main() -> None:
    """Fill the store."""
    tracelm.init("help-desk", prices=shop.PRICES)
    with serve(load()) as url:
        os.environ |= {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "test"}
        be_busy()
    shop.evaluate()
    tracelm.shutdown()


if __name__ == "__main__":
    main()
