"""Scorers and functions that the tests of guardrails share."""

import threading
from typing import Any

LEAK = "Write to ana@example.com today"
MASKED = "Write to [EMAIL] today"


def rude(output: str) -> dict[str, Any]:
    return {"passed": "stupid" not in output, "reason": "it is rude"}


def refuse(output: object) -> bool:
    return False


def undecided(output: object) -> None:
    return None


def about(question: str) -> str:
    return f"About {question}: no."


def broken(output: object) -> bool:
    raise RuntimeError("no connection")


class Gate:
    """A scorer that answers when it is told to."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self, output: object) -> bool:
        self.entered.set()
        self.open.wait(30)
        return True


def short(question: str) -> str:
    return "No comment."
