"""What one guardrail has seen of a stream so far, and the one record that comes of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tracelm.guards.check import Check
from tracelm.guards.decision import Decision, Fate, counted, failed, refusals, tripped, unusable
from tracelm.guards.mask import Span, spans_of
from tracelm.guards.record import About, record
from tracelm.guards.warned import warn
from tracelm.scoring.call import Judgement
from tracelm.scoring.score import Score

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

ELSEWHERE = "; the rest of the stream was withheld"


class Stopped(Exception):  # noqa: N818 - not seen outside
    """A guardrail lets a stream go no further."""

    def __init__(self, tally: "Tally", decision: Decision) -> None:
        super().__init__(decision.taken)
        self.tally = tally
        self.decision = decision


class Tally:
    """One guardrail over one stream.

    Args:
        check: The guardrail.
        about: What is judged.
    """

    def __init__(self, check: Check, about: About) -> None:
        self.check = check
        self.guardrail = check.guardrail
        self._about = about
        self.enforces = self.guardrail.is_enforced and self.guardrail.action != "warn"
        self.masks = self.guardrail.action == "replace" and self.guardrail.replacement is None
        self.checks = 0
        self._warned = False
        self._latency_s = 0.0
        self._found: list[Span] = []
        self._refusing: Score | None = None
        self._explains_all = True
        self._last: Judgement | None = None
        self._failure: Decision | None = None
        self._stop: Decision | None = None

    def found(self, judgement: Judgement) -> list[Span] | None:
        """Take a judgement of a part of the stream; return what it found, `None` where it lets the part pass.

        Raises:
            Stopped: The guardrail failed and does not allow it, or refuses without saying where.
        """
        self.checks += 1
        self._latency_s += judgement.latency_s
        self._last = judgement
        failure = judgement.error or unusable(self.guardrail, judgement)
        if failure is not None:
            self.fail(failure)
            return None
        refusing = refusals(self.guardrail, judgement)
        if not refusing:
            return None
        try:
            by_score = [spans_of(score) for score in refusing]
        except ValueError:
            by_score = [list[Span]()]
        if not all(by_score):
            self._refusing = refusing[0]
            self.stop(because="" if not self.masks else "; the scorer does not say where: give it a replacement")
            return None
        if self._refusing is None:
            self._refusing = refusing[0]
        elif self._refusing.explanation != refusing[0].explanation:
            self._explains_all = False
        return sorted(span for spans in by_score for span in spans)

    def fail(self, failure: Exception) -> None:
        """Note that a part could not be judged.

        Raises:
            Stopped: The guardrail does not allow it.
        """
        self._failure = failed(self.guardrail, failure, of=self._about.of, may=("fallback",))
        if self._failure.taken in {"block", "fallback"}:
            self._stop = self._failure
            raise Stopped(self, self._failure)

    def count(self, spans: list[Span]) -> None:
        """Note what was found, with places in the whole stream."""
        if spans:
            self._warn(spans)
        self._found += spans

    def stop(self, *, because: str = "") -> None:
        """Let the stream go no further, unless the guardrail only looks on.

        Raises:
            Stopped: It is enforced.
        """
        if not self.enforces:
            self._warn([])
            return
        action = self.guardrail.action
        taken: Fate = "block" if action == "retry" or self.masks else action
        error = None
        if taken == "block":
            error = tripped(
                self.guardrail, self._refusing, self._found, of=self._about.of, because=because or ELSEWHERE
            )
        self._stop = Decision(
            guardrail=self.guardrail, intended=action, taken=taken, spans=tuple(self._found), error=error
        )
        raise Stopped(self, self._stop)

    def record(self, on: "SpanContext | None") -> None:
        """Record the one decision on the stream, which belongs to the span `on`, and its one score."""
        last = self._last
        scores: Mapping[str, Score] = {} if last is None else last.scores
        spans = tuple(self._found)
        if self._refusing is not None and (spans or self._stop is not None):
            told: dict[str, Any] = {"spans": [{"start": s.start, "end": s.end, "type": s.type} for s in spans]}
            why = self._refusing.explanation if self._explains_all or not spans else f"found {counted(spans)}"
            refusing = replace(self._refusing, explanation=why, details=told if spans else {})
            scores = {self._score_name(scores): refusing}
        elif last is not None and self._refusing is not None:
            scores = {}  # what was refused on the way did not come to stand
        judgement = Judgement(
            name=self.guardrail.name if last is None else last.name,
            version=self.check.scorer_version,
            scores=scores,
            error=None if self._failure is None else self._failure.failure,
            latency_s=self._latency_s,
        )
        decision = replace(self._decision(), spans=spans)
        record([(decision, judgement)], self._about, on=on, checks=self.checks)

    def _warn(self, spans: list[Span]) -> None:
        if self.guardrail.action == "warn" and self.guardrail.is_enforced and not self._warned:
            self._warned = True
            warn(Decision(guardrail=self.guardrail, intended="warn", taken="warn", spans=tuple(spans)))

    def _score_name(self, scores: Mapping[str, Score]) -> str:
        return next(iter(scores), self.guardrail.name)

    def _decision(self) -> Decision:
        if self._stop is not None:
            return self._stop
        if self._failure is not None:
            return self._failure
        refused = bool(self._found) or (self._refusing is not None and not self.enforces)
        intended: Fate = self.guardrail.action if refused else "allow"
        if not self.guardrail.is_enforced:
            return Decision(guardrail=self.guardrail, intended=intended, taken="allow", outcome="shadow")
        return Decision(guardrail=self.guardrail, intended=intended, taken=intended)
