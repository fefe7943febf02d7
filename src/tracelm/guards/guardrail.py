"""`Guardrail`: a scorer that may stop or rewrite what a function returns."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from tracelm.errors import ConfigError
from tracelm.scoring.scorer import ScorerLike, name_of

Action: TypeAlias = Literal["block", "replace"]
OnError: TypeAlias = Literal["block", "allow"]


@dataclass(frozen=True, slots=True, init=False)
class Guardrail:
    """A scorer with the power to stop or rewrite an output. Put it to work with `@tracelm.guard`.

    The output is refused when the scorer's verdict has `passed=False` (a plain `False` is that too), or when
    `threshold` is set and the value is a number below it. A scorer that gives several scores refuses with any
    of them. A scorer whose scores draw no line (numbers or labels without `passed`, and no threshold) cannot
    guard: that counts as its failure, as do an exception and a value of `None` ("not scored").

    Attributes:
        scorer: Any scorer; the same object works in an evaluation.
        name: What decisions are recorded under; the scorer's name unless given.
        action: `block` raises `GuardrailTripped`; `replace` returns something else instead.
        threshold: The lowest number that passes.
        replacement: With `replace`: the text to return. Unset: the output with the found spans masked, as in
            `[EMAIL]`. An output that cannot be masked (no str, or a verdict without spans) is blocked.
        on_error: When the scorer fails: `block` raises `GuardrailBroken`, `allow` returns the output.

    Raises:
        ConfigError: An argument cannot work.

    Example:
        >>> from tracelm.scorers import PII
        >>> Guardrail(PII(), action="replace").name
        'pii'
    """

    scorer: ScorerLike
    name: str
    action: Action
    threshold: float | None
    replacement: str | None
    on_error: OnError

    def __init__(
        self,
        scorer: ScorerLike,
        *,
        name: str | None = None,
        action: Action = "block",
        threshold: float | None = None,
        replacement: str | None = None,
        on_error: OnError = "block",
    ) -> None:
        _check_scorer(scorer)
        if action not in get_args(Action):
            raise ConfigError(f"action={action!r} is not known: use 'block' or 'replace'")
        if on_error not in get_args(OnError):
            raise ConfigError(f"on_error={on_error!r} is not known: use 'block' or 'allow'")
        if replacement is not None and action != "replace":
            raise ConfigError("replacement is only used with action='replace': add it, or leave replacement out")
        _check_threshold(threshold)
        given = name_of(scorer) if name is None else name
        if not given.strip():
            raise ConfigError("name must not be empty: leave it out to take the scorer's")
        for field, value in (
            ("scorer", scorer),
            ("name", given),
            ("action", action),
            ("threshold", threshold),
            ("replacement", replacement),
            ("on_error", on_error),
        ):
            object.__setattr__(self, field, value)


def _check_scorer(scorer: object) -> None:
    if isinstance(scorer, type):
        raise ConfigError(f"Guardrail takes a scorer, not its class: write Guardrail({scorer.__name__}(...))")
    if not callable(scorer) and not hasattr(scorer, "score"):
        raise ConfigError(f"a {type(scorer).__name__} is no scorer: give a Scorer, or a function of the output")


def _check_threshold(threshold: object) -> None:
    if threshold is None:
        return
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not math.isfinite(threshold):
        raise ConfigError(f"threshold={threshold!r} cannot work: give a finite number, the lowest that passes")
