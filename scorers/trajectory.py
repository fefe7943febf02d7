"""Scorers of what an agent did on the way to its output: read from the spans of the judged call.

They want a recorded call: `tracelm.init()` before, tools under `@tracelm.op(kind="tool")` or of an integration.
Spans that ended in this process are read from memory, others from the store.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, cast, get_args

from tracelm.errors import ConfigError
from tracelm.scorers.steps import Course, course_of
from tracelm.scorers.tool_calls import Arguments, ToolCall, compared, tool_calls_in
from tracelm.scorers.values import refused, shown
from tracelm.scoring.call import ScoreContext
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer
from tracelm.trace import recent

ToolMatch: TypeAlias = Literal["all", "any", "none", "only"]
Order: TypeAlias = Literal["same", "any"]
Seen: TypeAlias = Literal["run", "requested"]
Counted: TypeAlias = Literal["all", "tools", "models"]


@dataclass(frozen=True, kw_only=True)
class TrajectoryScorer(Scorer):
    """Reads what the judged call did, and hands it to a subclass."""

    def __post_init__(self) -> None:
        recent.keep_for(self)

    def score(self, *, context: ScoreContext) -> Score:
        """Score the spans of the judged call."""
        course = course_of(context)
        return refused(course) if isinstance(course, str) else self.judge(course)

    @abstractmethod
    def judge(self, course: Course) -> Score:
        """Return the score of what the call did."""


@dataclass(frozen=True, kw_only=True)
class ToolsCalled(TrajectoryScorer):
    """True when the call ran the named tools.

    Args:
        tools: The names of tools.
        match: `all` of them were run, `any` of them, `none`, or `only` these and no others.
        seen: Tools that were `run` (spans of tools), or that a model `requested` (calls in its recorded answers).

    Raises:
        ConfigError: No tools, or another argument that cannot work.

    Example:
        >>> ToolsCalled(tools=("search",)).needs
        ('context',)
    """

    tools: tuple[str, ...]
    match: ToolMatch = "all"
    seen: Seen = "run"
    gives: ClassVar[str] = "True or False"

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.tools, str):
            raise ConfigError(f"tools={self.tools!r} is one str: write tools=({self.tools!r},)")
        object.__setattr__(self, "tools", tuple(self.tools))
        if not self.tools or not all(isinstance(each, str) and each for each in self.tools):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"tools={self.tools!r}: give the name of at least one tool")
        _check("match", self.match, ToolMatch)
        _check("seen", self.seen, Seen)

    def judge(self, course: Course) -> Score:
        """Compare the names of the tools."""
        names = list(dict.fromkeys(each.name for each in calls_in(course, self.seen)))
        missing = [each for each in self.tools if each not in names]
        others = [each for each in names if each not in self.tools]
        unwanted = [each for each in names if each in self.tools]
        why = None
        if self.match == "none":
            why = f"called: {', '.join(unwanted)}" if unwanted else None
        elif self.match == "only":
            why = f"called: {', '.join(others)}" if others else None
        elif self.match == "all" or not unwanted:
            why = f"not called: {', '.join(missing)}" if missing else None
        return Score(value=why is None, explanation=why, details={"tools": names})


@dataclass(frozen=True, kw_only=True)
class ToolTrajectory(TrajectoryScorer):
    """True when the call ran the tools that the row's `expected` names, in that order.

    `expected` is a list of names, or of calls in any form that `ToolCallMatch` reads. `details["calls"]` has what was
    called.

    Args:
        order: `same` as expected, or `any`.
        arguments: `ignore` them; or `subset`, where a call may have more than expected; or `exact`.
        extra: Whether other calls in between are all right.
        seen: Tools that were `run`, or that a model `requested`.

    Raises:
        ConfigError: An argument cannot work.

    Example:
        >>> ToolTrajectory(arguments="subset").needs
        ('context', 'expected')
    """

    order: Order = "same"
    arguments: Arguments = "ignore"
    extra: bool = False
    seen: Seen = "run"
    gives: ClassVar[str] = "True or False"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check("order", self.order, Order)
        _check("arguments", self.arguments, Arguments)
        _check("seen", self.seen, Seen)

    @property
    def needs(self) -> tuple[str, ...]:
        """The context, and what was expected."""
        return ("context", "expected")

    def score(self, *, context: ScoreContext, expected: object = None) -> Score:
        """Compare the calls of tools with those that the row expects."""
        wanted = _wanted(expected)
        if wanted is None:
            return refused(f"the row expects {shown(expected)}, which is no list of tools")
        course = course_of(context)
        if isinstance(course, str):
            return refused(course)
        found = calls_in(course, self.seen)
        if self.arguments != "ignore" and any(each.arguments is None for each in found):
            return refused("the arguments of a tool were not recorded: capture_content is off")
        return compared(found, wanted, arguments=self.arguments, any_order=self.order == "any", extra=self.extra)

    def judge(self, course: Course) -> Score:
        """Compare with an empty list: no tool is called."""
        return compared(calls_in(course, self.seen), [], arguments="ignore", any_order=True, extra=self.extra)


@dataclass(frozen=True, kw_only=True)
class StepCount(TrajectoryScorer):
    """How many steps the call took, and whether that is within bounds.

    Args:
        at_least: The fewest steps that pass.
        at_most: The most steps that pass; no limit unless given.
        of: What counts: `tools` that were run, calls of `models`, or `all` spans inside the call.

    Raises:
        ConfigError: Bounds that nothing can meet, or that everything meets.

    Example:
        >>> StepCount(at_most=5, of="tools").needs
        ('context',)
    """

    at_least: int = 0
    at_most: int | None = None
    of: Counted = "all"
    gives: ClassVar[str] = "a count, with a verdict"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check("of", self.of, Counted)
        if self.at_least < 0 or (self.at_most is not None and self.at_most < self.at_least):
            raise ConfigError(f"at_least={self.at_least!r}, at_most={self.at_most!r}: nothing could pass")
        if self.at_least == 0 and self.at_most is None:
            raise ConfigError("at_least and at_most are both unset: every call would pass")

    def judge(self, course: Course) -> Score:
        """Count the steps."""
        counted = [
            each
            for each in course.steps
            if self.of == "all" or (each.is_tool if self.of == "tools" else each.is_model_call)
        ]
        why = None
        if len(counted) < self.at_least:
            why = f"{len(counted)} steps, at least {self.at_least} are wanted"
        elif self.at_most is not None and len(counted) > self.at_most:
            why = f"{len(counted)} steps, at most {self.at_most} are wanted"
        return Score(value=len(counted), passed=why is None, explanation=why)


@dataclass(frozen=True, kw_only=True)
class NoFailedSteps(TrajectoryScorer):
    """True when no span inside the call failed, also none whose failure the call got over.

    Example:
        >>> NoFailedSteps().name
        'no_failed_steps'
    """

    gives: ClassVar[str] = "True or False"

    def judge(self, course: Course) -> Score:
        """Look for failures."""
        failed = [each for each in course.all if each.error is not None]
        why = ", ".join(f"{each.name}: {each.error}" for each in failed[:5])
        return Score(value=not failed, explanation=why or None, details={"failed": len(failed)} if failed else {})


def calls_in(course: Course, seen: Seen) -> list[ToolCall]:
    """Return the calls of tools, in their order."""
    if seen == "run":
        return [each.tool_call for each in course.all if each.is_tool]
    return [call for each in course.all if each.is_model_call for call in each.requested]


def _wanted(expected: object) -> list[ToolCall] | None:
    if isinstance(expected, str) or not isinstance(expected, Sequence):
        found = tool_calls_in(expected)
        return found or None
    wanted: list[ToolCall] = []
    for each in cast("Sequence[object]", expected):
        if isinstance(each, str) and not each.lstrip().startswith(("{", "[")):
            wanted.append(ToolCall(each, {}))
            continue
        found = tool_calls_in(each)
        if not found and isinstance(name := cast("Any", each).get("name") if isinstance(each, dict) else None, str):
            found = [ToolCall(name, {})]
        if not found:
            return None
        wanted += found
    return wanted


def _check(argument: str, given: object, allowed: Any) -> None:
    if given not in get_args(allowed):
        raise ConfigError(f"{argument}={given!r} is not known: use {', '.join(get_args(allowed))}")
