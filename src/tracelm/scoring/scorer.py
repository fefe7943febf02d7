"""`Scorer`, the judge of an output, and `@scorer`, which makes one of a function."""

import functools
import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Final, Generic, ParamSpec, TypeAlias, TypeVar, overload

from tracelm.scoring.version import code_version, object_version

P = ParamSpec("P")
R = TypeVar("R")

_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Scorer(ABC):
    """A judge of outputs. Subclasses are frozen dataclasses: their fields are their identity.

    `score` names the parameters it wants: columns of the row, `output`, `inputs`, `expected`, `context`.
    It returns a bool, a finite number, a label, a `Score`, or a dict of those. The same object works in an
    evaluation and as a guardrail.

    Example:
        >>> from dataclasses import dataclass
        >>> from tracelm.scoring.score import Score
        >>> @dataclass(frozen=True)
        ... class ShorterThan(Scorer):
        ...     limit: int
        ...     def score(self, *, output: object) -> Score:
        ...         return Score(value=len(str(output)) < self.limit)
        >>> ShorterThan(limit=3).score(output="yes").value
        False
        >>> ShorterThan(limit=3).name
        'shorter_than'
    """

    gives: ClassVar[str] = "a verdict"
    """What its scores are, in a few words; for the documentation."""
    is_cheap: ClassVar[bool] = False
    """It only computes, never waits, and needs well under a millisecond for a page: it may run in an event loop."""

    @property
    def window(self) -> int | None:
        """How many characters before and behind a place decide what `score` finds there; `None` for all of a text.

        A guardrail on a stream holds back what lies within it. What is found must be shorter, or hold no blank.
        """
        return None

    def settled(self, text: str) -> int | None:  # noqa: ARG002 - for scorers that know better
        """Say how much of the beginning of a stream cannot become part of a finding, whatever follows.

        Args:
            text: The end of what has come so far.

        Returns:
            A number of characters; `None` for all but the last `window`.
        """
        return None

    @property
    def name(self) -> str:
        """What the score is called: the class name in snake_case, unless overridden."""
        return snake_case(type(self).__name__)

    @property
    def lower_is_better(self) -> bool:
        """Whether less is better of its numbers: a distance, a share of errors."""
        return False

    @functools.cached_property
    def version(self) -> str:
        """12 hex digits: class, code of its methods, and fields. Equal in every process."""
        return object_version(self, below=Scorer)

    @property
    def needs(self) -> tuple[str, ...]:
        """What `score` must be given, by name: its parameters without a default, unless overridden."""
        return _without_default(self.score)

    @abstractmethod
    def score(self, *args: Any, **kwargs: Any) -> Any:
        """Judge one output. Name the parameters you want."""

    async def ascore(self, *args: Any, **kwargs: Any) -> Any:
        """Judge one output without blocking the event loop; override it where the work is waiting."""
        return self.score(*args, **kwargs)


class FunctionScorer(Scorer, Generic[P, R]):
    """A scorer made of a function; calling it calls the function. Made by `@scorer`."""

    def __init__(self, function: Callable[P, R], *, name: str | None = None, lower_is_better: bool = False) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._lower_is_better = lower_is_better
        self._name = name or callable_name(function)

    @property
    def name(self) -> str:
        """The given name, else the function's."""
        return self._name

    @property
    def lower_is_better(self) -> bool:
        """As it was given."""
        return self._lower_is_better

    @functools.cached_property
    def version(self) -> str:
        """12 hex digits of the function's code."""
        return code_version(self._function)

    @property
    def needs(self) -> tuple[str, ...]:
        """The function's parameters without a default."""
        return _without_default(self._function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        return self._function(*args, **kwargs)

    def score(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<scorer {self._name} {self.version}>"


ScorerLike: TypeAlias = Scorer | Callable[..., Any]
"""Anything that can judge: a `Scorer`, a function (also async, also an op), or a callable object."""


@overload
def scorer(function: Callable[P, R], /) -> FunctionScorer[P, R]: ...
@overload
def scorer(
    *, name: str | None = None, lower_is_better: bool = False
) -> Callable[[Callable[P, R]], FunctionScorer[P, R]]: ...
def scorer(
    function: Callable[P, R] | None = None, /, *, name: str | None = None, lower_is_better: bool = False
) -> FunctionScorer[P, R] | Callable[[Callable[P, R]], FunctionScorer[P, R]]:
    """Make a function into a scorer that can still be called as the function.

    Args:
        function: Sync or async; its parameters say what it wants to see of a row.
        name: What the score is called; left out, the function's name.
        lower_is_better: Whether less is better of its numbers; a comparison of runs goes by it.

    Example:
        >>> @scorer(name="polite")
        ... def says_please(output: str) -> bool:
        ...     return "please" in output
        >>> says_please("please wait"), says_please.name
        (True, 'polite')
    """
    if function is not None:
        return FunctionScorer(function, name=name, lower_is_better=lower_is_better)

    def decorate(function: Callable[P, R]) -> FunctionScorer[P, R]:
        return FunctionScorer(function, name=name, lower_is_better=lower_is_better)

    return decorate


def name_of(scorer: ScorerLike) -> str:
    """Return what the scores of `scorer` are called."""
    return scorer.name if isinstance(scorer, Scorer) else callable_name(scorer)


def version_of(scorer: ScorerLike) -> str:
    """Return the version of `scorer`, 12 hex digits."""
    return scorer.version if isinstance(scorer, Scorer) else code_version(scorer)


def needs_of(scorer: ScorerLike) -> tuple[str, ...]:
    """Return the names that `scorer` cannot do without: parameters without a default."""
    return scorer.needs if isinstance(scorer, Scorer) else _without_default(scorer)


def _without_default(function: Callable[..., Any]) -> tuple[str, ...]:
    parameters = inspect.signature(function).parameters.values()
    named = (each for each in parameters if each.kind not in {each.VAR_KEYWORD, each.VAR_POSITIONAL})
    return tuple(each.name for each in named if each.default is each.empty)


def callable_name(function: Callable[..., Any]) -> str:
    """Return a name for any callable: a function's own, else its class's in snake_case."""
    if isinstance(function, functools.partial):
        return callable_name(function.func)
    name = getattr(function, "__name__", None)
    return name if isinstance(name, str) else snake_case(type(function).__name__)


def snake_case(name: str) -> str:
    """Turn a class name into a score's name: `ValidJson` → `valid_json`."""
    return _HUMP.sub("_", name).lower()
