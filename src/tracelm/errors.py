"""Every exception that tracelm raises on purpose.

TracelmError
├── ConfigError           settings or arguments that cannot work; raised at the door, never later
├── MissingExtraError     a feature needs `pip install 'tracelm[extra]'`
├── DatasetError          rows that do not form a dataset
├── EvaluationError       a task or scorer whose parameters the dataset cannot fill
├── ResumeError           a run cannot be taken up: there is none, or what it was made of has changed
├── DecodeError           a line or a record is no OTLP
├── StoreError            the store cannot be opened, read or upgraded
│   └── FilterError       a filter cannot be read; carries the place and the remedy
├── LocalModelError       the local model cannot be fetched or started
└── GuardrailError        a guardrail stopped a value
    ├── GuardrailTripped  the content was refused; carries the score
    └── GuardrailBroken   the guardrail itself failed and was told to block then
        └── GuardrailTimedOut  it took longer than its `timeout_s`

Tracing itself raises none of these into a traced program.
"""

import unicodedata
from typing import Final

_SHOWN: Final = 70  # characters of a line on each side of its bad spot


class TracelmError(Exception):
    """Base class: `except TracelmError` catches all that tracelm raises."""


class ConfigError(TracelmError, ValueError):
    """A setting or an argument cannot work; the message names the remedy."""


class MissingExtraError(TracelmError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs: pip install 'tracelm[{extra}]'")


class DatasetError(TracelmError, ValueError):
    """The rows do not form a dataset."""


class EvaluationError(TracelmError, TypeError):
    """A task or a scorer asks for parameters that the dataset does not have."""


class ResumeError(TracelmError, RuntimeError):
    """A run cannot be taken up: there is none, or dataset, task or scorers have changed; the message names them."""


class DecodeError(TracelmError, ValueError):
    """A line or a record is not OTLP/JSON; the message says what is wrong with it."""


class StoreError(TracelmError, OSError):
    """The store cannot be opened, read or upgraded."""


class FilterError(StoreError, ValueError):
    """A filter cannot be read. The message shows the line, with a mark under the bad spot.

    Attributes:
        problem: What is wrong, on one line.
        remedy: What to write instead.
        text: The filter.
        position: Where the bad spot begins in `text`, in characters from 0.
        length: How long it is, in characters; at least 1. It may lie behind the last one.
    """

    def __init__(self, problem: str, remedy: str, *, text: str, position: int, length: int = 1) -> None:
        self.problem, self.remedy = problem, remedy
        self.text, self.position, self.length = text, position, max(1, length)
        super().__init__(f"{problem}: {remedy}\n{picture(text, position, self.length)}")


class LocalModelError(TracelmError, RuntimeError):
    """The local model cannot be fetched or started; the message says why, and what helps."""


class GuardrailError(TracelmError):
    """A guardrail stopped a value.

    Attributes:
        guardrail: The name of the guardrail.
    """

    def __init__(self, message: str, *, guardrail: str) -> None:
        super().__init__(message)
        self.guardrail = guardrail


class GuardrailTripped(GuardrailError):  # noqa: N818 - the name is part of the public interface
    """A guardrail refused a value. The message never repeats the refused text.

    Attributes:
        score: The verdict, a `tracelm.Score`, that refused the value.
        safe_message: What the program may tell its user: the guardrail's `message`.
    """

    def __init__(self, message: str, *, guardrail: str, score: object, safe_message: str = "") -> None:
        super().__init__(message, guardrail=guardrail)
        self.score = score
        self.safe_message = safe_message


class GuardrailBroken(GuardrailError):  # noqa: N818 - a pair with GuardrailTripped
    """The guardrail itself failed and is told to block then (`on_error="block"`)."""


class GuardrailTimedOut(GuardrailBroken, TimeoutError):  # noqa: N818 - a kind of GuardrailBroken
    """The guardrail took longer than its `timeout_s`, and is told to block then (`on_timeout="block"`)."""


def picture(text: str, position: int, length: int = 1) -> str:
    """Return the part of a line around a bad spot, and below it a mark that stands under the spot."""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position) if "\n" in text[position:] else len(text)
    first, last = max(start, position - _SHOWN), min(end, position + _SHOWN)
    line = "".join(char if char.isprintable() else " " for char in text[first:last])
    here = position - first
    head = ("… " if first > start else "") + line[:here]
    tail = line[here:] + (" …" if last < end else "")
    return f"  {head}{tail}\n  {' ' * _width(head)}{'^' * max(1, _width(line[here : here + length]))}"


def _width(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    wide = sum(unicodedata.east_asian_width(char) in {"F", "W"} for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)
