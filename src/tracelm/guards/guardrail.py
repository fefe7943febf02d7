"""`Guardrail`: a scorer that may stop or rewrite what goes into a function, or what comes out of it."""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, get_args

from tracelm.errors import ConfigError
from tracelm.scoring.scorer import Scorer, ScorerLike, name_of

Side: TypeAlias = Literal["input", "output"]
Action: TypeAlias = Literal["block", "replace", "retry", "fallback", "warn"]
OnFailure: TypeAlias = Literal["block", "allow", "fallback"]
Mode: TypeAlias = Literal["enforce", "shadow"]
Release: TypeAlias = Literal["sentence", "end"] | int

SAFE_MESSAGE: Final = "This answer was withheld."
FEEDBACK: Final = "feedback"
"""The parameter by which a function that is asked again learns why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrail:
    """A scorer with the power to stop or rewrite a value. Put it to work with `@tracelm.guard`.

    A value is refused when the scorer's verdict has `passed=False` (a plain `False` is that too), or when
    `threshold` is set and the number is on the wrong side of it. A scorer that gives several scores refuses with
    any of them. A scorer whose scores draw no line (numbers or labels without `passed`, and no threshold) cannot
    guard: that counts as its failure, as do an exception and a value of `None` ("not scored").

    Attributes:
        scorer: Any scorer; the same object works in an evaluation.
        name: What decisions are recorded under; the scorer's name unless given.
        on: Whether it judges the `input` of a function or its `output`. Of an input the scorer sees, as `output`,
            the `argument`; without that the only argument, else a dict of all.
        argument: On the input side: the parameter of the function that is judged.
        action: What becomes of a refused value. `block` raises `GuardrailTripped`; `replace` puts something else
            in its place; `retry` calls the function again, with the reason in its parameter `feedback`; `fallback`
            calls another function with the same arguments; `warn` logs, and lets it pass.
        threshold: The lowest number that passes; of a scorer of which less is better, the highest.
        replacement: With `replace`: the text that stands for the value. Unset: the value with the found spans
            masked, as in `[EMAIL]`. What cannot be masked (no str, or a verdict without spans) is blocked.
        retries: With `retry`: how often the function is called again, before the output is blocked.
        fallback: With any `fallback`: what is called instead. Its result passes the same guardrails; refused there,
            it is blocked.
        message: What the program may tell its user; `GuardrailTripped.safe_message`.
        mode: `enforce`, or `shadow`: judged and recorded, and without any effect on the program.
        timeout_s: How long the scorer may take. A sync scorer that takes longer is left behind in its thread.
        on_error: When the scorer fails: `block` raises `GuardrailBroken`, `allow` lets the value pass, `fallback`
            calls the fallback.
        on_timeout: The same for a scorer that took too long; `block` raises `GuardrailTimedOut`.
        window: On a stream: how many characters before and behind a place decide what the scorer says about it;
            the scorer's own `window` unless given.
        release: On a stream, of a scorer without a window, which must see all that was said: when it is asked, so that
            text may go on. After each `sentence`; after so many characters, at a blank; or at the `end`. It is always
            shown the text from the beginning, and at least an eighth of it is new. Unset it is the end, and the log
            says so once.

    Raises:
        ConfigError: An argument cannot work.

    Example:
        >>> from tracelm.scorers import PII
        >>> Guardrail(PII(), action="replace").name
        'pii'
    """

    scorer: ScorerLike = field(kw_only=False)
    name: str = ""
    on: Side = "output"
    argument: str | None = None
    action: Action = "block"
    threshold: float | None = None
    replacement: str | None = None
    retries: int = 1
    fallback: Callable[..., Any] | None = None
    message: str = SAFE_MESSAGE
    mode: Mode = "enforce"
    timeout_s: float | None = None
    on_error: OnFailure = "block"
    on_timeout: OnFailure = "block"
    window: int | None = None
    release: Release | None = None

    def __post_init__(self) -> None:
        _check_scorer(self.scorer)
        for option, known in (("on", Side), ("action", Action), ("mode", Mode)):
            _check_choice(option, getattr(self, option), get_args(known))
        for option in ("on_error", "on_timeout"):
            _check_choice(option, getattr(self, option), get_args(OnFailure))
        _check_number("threshold", self.threshold, "a finite number, the lowest that passes")
        _check_number("timeout_s", self.timeout_s, "a number of seconds above 0", above=0)
        self._check_belongings()
        if not self.name:
            object.__setattr__(self, "name", name_of(self.scorer))
        elif not self.name.strip():
            raise ConfigError("name must not be blank: leave it out to take the scorer's")

    @property
    def needs_fallback(self) -> bool:
        """Whether the fallback may be called."""
        return "fallback" in {self.action, self.on_error, self.on_timeout}

    @property
    def is_enforced(self) -> bool:
        """Whether it can have an effect on the program."""
        return self.mode == "enforce"

    @property
    def is_cheap(self) -> bool:
        """Whether its scorer only computes, and is done at once."""
        return isinstance(self.scorer, Scorer) and self.scorer.is_cheap

    @property
    def reach(self) -> int | None:
        """How many characters around a place the scorer must see; `None` for all of a text."""
        if self.window is not None:
            return self.window
        return self.scorer.window if isinstance(self.scorer, Scorer) else None

    @property
    def waits_for_end(self) -> bool:
        """Whether it holds a stream back to its end."""
        return self.reach is None and self.release in {None, "end"} and self.is_enforced and self.action != "warn"

    def _check_belongings(self) -> None:
        if self.replacement is not None and self.action != "replace":
            raise ConfigError("replacement is only used with action='replace': add it, or leave replacement out")
        if self.argument is not None and self.on != "input":
            raise ConfigError("argument is only used with on='input': add it, or leave argument out")
        if self.on == "input" and self.action == "retry":
            raise ConfigError(
                "action='retry' is for outputs: what is refused on the way in would be asked again as it is"
            )
        if isinstance(self.retries, bool) or not isinstance(self.retries, int) or self.retries < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"retries={self.retries!r} cannot work: give how often to ask again, 1 or more")
        if self.retries != 1 and self.action != "retry":
            raise ConfigError("retries is only used with action='retry': add it, or leave retries out")
        if self.needs_fallback and not callable(self.fallback):
            raise ConfigError("fallback is missing: give the function to call, as fallback=short_answer")
        if self.fallback is not None and not self.needs_fallback:
            raise ConfigError("fallback is never called: set action, on_error or on_timeout to 'fallback'")
        if self.window is not None and (isinstance(self.window, bool) or self.window < 1):
            raise ConfigError(f"window={self.window!r} cannot work: give a number of characters, 1 or more")
        if self.release is not None:
            self._check_release(self.release)

    def _check_release(self, given: object) -> None:
        is_number = isinstance(given, int) and not isinstance(given, bool) and given >= 1
        if not is_number and given not in {"sentence", "end"}:
            raise ConfigError(
                f"release={given!r} cannot work: use 'sentence', 'end', or a number of characters, 1 or more"
            )
        if self.on != "output":
            raise ConfigError("release is for streams, which are outputs: leave it out with on='input'")
        if self.reach is not None:
            raise ConfigError(
                f"release is for scorers that must see all of a text: {name_of(self.scorer)!r} needs only the "
                f"{self.reach} characters around a place, so leave release out"
            )


def _check_scorer(scorer: object) -> None:
    if inspect.isclass(scorer):
        raise ConfigError(f"Guardrail takes a scorer, not its class: write Guardrail({scorer.__name__}(...))")
    if not callable(scorer) and not hasattr(scorer, "score"):
        raise ConfigError(f"a {type(scorer).__name__} is no scorer: give a Scorer, or a function of the output")


def _check_choice(option: str, given: object, known: tuple[str, ...]) -> None:
    if given not in known:
        raise ConfigError(f"{option}={given!r} is not known: use one of {', '.join(map(repr, known))}")


def _check_number(option: str, given: Any, wanted: str, *, above: float = -math.inf) -> None:
    if given is None:
        return
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_number or not math.isfinite(given) or given <= above:
        raise ConfigError(f"{option}={given!r} cannot work: give {wanted}")
