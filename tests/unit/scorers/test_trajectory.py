"""Scorers of what an agent did: over real ops and the recorded tool calls of real providers."""

import asyncio
import gc
import json
from pathlib import Path
from typing import Any

import openai
import pytest

import tracelm
from tests.recordings.recorded import Recorded
from tests.recordings.server import load
from tracelm.scorers import (
    Cost,
    Latency,
    NoFailedSteps,
    StepCount,
    Tokens,
    ToolsCalled,
    ToolTrajectory,
)
from tracelm.scorers.steps import course_of
from tracelm.scorers.tool_calls import ToolCall
from tracelm.scorers.trajectory import ToolMatch
from tracelm.scoring.call import ScoreContext, parameters_of
from tracelm.testing import Spans
from tracelm.trace import recent

pytest_plugins = ("tests.recordings.fixtures",)


@tracelm.op(kind="tool")
def search(query: str, limit: int = 3) -> list[str]:
    return [query] * limit


@tracelm.op(kind="tool")
def book(flight: str) -> str:
    if flight == "full":
        raise ValueError("no seats")
    return flight


@tracelm.op
def plan(query: str) -> str:
    return search(query)[0]


@tracelm.op
def agent(query: str, flight: str = "LH1") -> str:
    plan(query)
    try:
        return book(flight)
    except ValueError:
        return "sorry"


def context_of(*arguments: Any) -> ScoreContext:
    """Run the agent and return what a scorer of it gets."""
    with tracelm.span("request") as request:
        pass
    noted: list[ScoreContext] = []

    @tracelm.op
    def call() -> str:
        here = tracelm.current_span()
        noted.append(ScoreContext({}, None, here.trace_id, here.span_id))
        return agent(*arguments)

    call()
    assert request.context.is_valid
    return noted[0]


def _forget(_span: object) -> None:
    """Keep nothing in memory."""


@pytest.fixture(params=["memory", "store"])
def where(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each promise holds for spans that are still in memory, and for those that only the store has."""
    if request.param == "store":
        monkeypatch.setattr(recent, "note", _forget)
    return str(request.param)


def test_the_tools_that_were_run_are_named(spans: Spans, where: str) -> None:
    matches: tuple[ToolMatch, ...] = ("all", "any", "none", "only")
    scorers = {match: ToolsCalled(tools=("search",), match=match) for match in matches}
    context = context_of("Rome")
    assert {match: each.score(context=context).value for match, each in scorers.items()} == {
        "all": True,
        "any": True,
        "none": False,
        "only": False,
    }
    assert scorers["only"].score(context=context).explanation == "called: book"
    both = ToolsCalled(tools=("search", "pay")).score(context=context)
    assert (both.explanation, both.details) == ("not called: pay", {"tools": ["search", "book"]})
    assert ToolsCalled(tools=("pay", "book"), match="any").score(context=context).value is True


def test_the_order_and_the_arguments_of_tools_are_compared(spans: Spans, where: str) -> None:
    scorer = ToolTrajectory()
    context = context_of("Rome")
    assert scorer.score(context=context, expected=["search", "book"]).value is True
    assert scorer.score(context=context, expected=["book", "search"]).explanation == (
        "search was called instead of book; book was called instead of search"
    )
    assert ToolTrajectory(order="any").score(context=context, expected=["book", "search"]).value is True
    assert scorer.score(context=context, expected=["book"]).value is False
    assert ToolTrajectory(extra=True).score(context=context, expected=["book"]).value is True
    calls: list[dict[str, Any]] = [
        {"name": "search", "arguments": {"query": "Rome"}},
        {"name": "book", "arguments": {"flight": "LH1"}},
    ]
    assert ToolTrajectory(arguments="subset").score(context=context, expected=calls).value is True
    exact = ToolTrajectory(arguments="exact")
    assert exact.score(context=context, expected=calls).explanation == "search /limit: 3 was not expected"
    calls[0]["arguments"] = {"query": "Rome", "limit": 3}
    assert exact.score(context=context, expected=calls).value is True
    calls[1]["arguments"] = {"flight": "LH2"}
    assert exact.score(context=context, expected=calls).explanation == 'book /flight: "LH1" instead of "LH2"'
    assert scorer.score(context=context, expected=[]).explanation == "search was not expected; book was not expected"
    assert scorer.score(context=context, expected=[3]).value is None


def test_steps_are_counted_inside_the_call(spans: Spans, where: str) -> None:
    counts = [StepCount(at_most=3), StepCount(at_most=1, of="tools"), StepCount(at_least=1, of="models")]
    context = context_of("Rome")
    assert [each.score(context=context) for each in counts] == [
        tracelm.Score(value=4, passed=False, explanation="4 steps, at most 3 are wanted"),
        tracelm.Score(value=2, passed=False, explanation="2 steps, at most 1 are wanted"),
        tracelm.Score(value=0, passed=False, explanation="0 steps, at least 1 are wanted"),
    ]


def test_a_failed_step_is_seen_also_when_the_agent_got_over_it(spans: Spans, where: str) -> None:
    scorer = NoFailedSteps()
    assert scorer.score(context=context_of("Rome")) == tracelm.Score(value=True)
    score = scorer.score(context=context_of("Rome", "full"))
    assert score.value is False
    assert score.explanation == "execute_tool book: ValueError"


def test_latency_is_that_of_the_calls_span(spans: Spans, where: str) -> None:
    scorer = Latency(at_most_s=1e-9)
    context = context_of("Rome")
    score = scorer.score(context=context)
    span = next(each for each in spans.all() if each.span_id == context.span_id)
    assert score.value == (span.end_ns - span.start_ns) / 1e9
    assert score.passed is False
    assert Latency().score(context=context).passed is None


def test_a_judges_calls_and_other_spans_of_the_trace_are_not_the_agents(spans: Spans, where: str) -> None:
    scorer = StepCount(at_most=100)
    with tracelm.span("row") as row:
        agent("Rome")
        with tracelm.span("judge tone", attributes={"tracelm.judge.name": "tone"}):
            search("something")
    whole = scorer.score(context=ScoreContext({}, None, row.trace_id, row.span_id))
    assert whole.value == 4
    of_agent = spans.one("agent")
    only = scorer.score(context=ScoreContext({}, None, of_agent.trace_id, of_agent.span_id))
    assert only.value == 3


def test_without_spans_the_row_is_not_scored_and_says_why(spans: Spans) -> None:
    every = [
        ToolsCalled(tools=("a",)),
        StepCount(at_most=1),
        NoFailedSteps(),
        Latency(),
        Cost(),
        Tokens(),
    ]
    for each in every:
        assert each.score(context=ScoreContext({}, None)).explanation == (
            "refused to score: nothing was recorded: call tracelm.init() before"
        )
        unknown = each.score(context=ScoreContext({}, None, "ab" * 16, "cd" * 8))
        assert (unknown.value, unknown.explanation) == (
            None,
            "refused to score: no span of the call is there: it was not sampled, or it is recorded elsewhere",
        )


def test_arguments_that_were_not_recorded_are_not_compared(tmp_path: Path) -> None:
    scorer = ToolTrajectory(arguments="exact")
    tracelm.init("quiet", home=tmp_path, capture_content=False)
    context = context_of("Rome")
    score = scorer.score(context=context, expected=["search", "book"])
    assert score.explanation == "refused to score: the arguments of a tool were not recorded: capture_content is off"
    assert ToolTrajectory().score(context=context, expected=["search", "book"]).value is True


@pytest.fixture
def answered(shared: Path, foreign_url: str, spans: Spans) -> Any:
    """Ask for a recorded exchange in an op, and give its context to a scorer."""
    recordings = load(shared / "recordings")

    def ask(name: str) -> tuple[ScoreContext, dict[str, Any]]:
        recorded = Recorded(recordings[name], foreign_url)
        noted: list[ScoreContext] = []

        @tracelm.op
        def answer() -> str:
            here = tracelm.current_span()
            noted.append(ScoreContext({}, None, here.trace_id, here.span_id))
            return str(recorded.client().chat.completions.create(**recorded.arguments()).id)

        answer()
        return noted[0], recorded.completion

    return ask


def test_tools_that_a_model_asked_for_cost_and_tokens_are_read_from_recorded_answers(
    shared: Path, answered: Any, where: str
) -> None:
    scorers = Cost(), Tokens(at_most=10), ToolTrajectory(seen="requested", arguments="exact")
    seen = 0
    for name, recording in load(shared / "recordings").items():
        chosen = recording["provider"] == "openai" and recording["endpoint"] == "chat.completions"
        if not (chosen and "tool-calls" in name and "body" in recording["response"]):
            continue
        context, body = answered(name)
        asked: list[Any] = body["choices"][0]["message"].get("tool_calls") or []
        calls: list[Any] = [call["function"] for call in asked]
        if not calls:
            continue
        seen += 1
        cost, tokens, trajectory = scorers
        assert trajectory.score(context=context, expected=calls).value is True
        assert trajectory.score(context=context, expected=[]).value is False
        assert tokens.score(context=context).value == body["usage"]["total_tokens"]
        assert tokens.score(context=context).passed is False
        usd = cost.score(context=context).value
        assert usd is None or 0 < float(usd) < 1
        names = ToolsCalled(tools=(calls[0]["name"],), seen="requested").score(context=context)
        assert names.value is True
        assert ToolsCalled(tools=(calls[0]["name"],)).score(context=context).value is False
    assert seen >= 2


def test_a_model_without_a_price_has_no_cost_instead_of_none_at_all(own_url: str, spans: Spans) -> None:
    scorer = Cost()
    noted: list[ScoreContext] = []

    @tracelm.op
    def answer() -> str:
        here = tracelm.current_span()
        noted.append(ScoreContext({}, None, here.trace_id, here.span_id))
        client = openai.OpenAI(base_url=f"{own_url}/v1", api_key="test")
        return str(client.chat.completions.create(model="smollm2-135m", messages=[]).id)

    answer()
    score = scorer.score(context=noted[0])
    assert score.value is None
    assert score.explanation == (
        "refused to score: the price of 'chat smollm2-135m' is not known: give it with tracelm.init(prices=...)"
    )
    assert Cost(at_most_usd=0).score(context=context_of("Rome")) == tracelm.Score(value=0, passed=True)


def test_in_an_evaluation_each_row_and_trial_is_judged_by_its_own_trace(spans: Spans) -> None:
    rows: list[dict[str, Any]] = [
        {"query": "Rome", "flight": "LH1", "expected": ["search", "book"]},
        {"query": "Oslo", "flight": "full", "expected": ["book"]},
    ] * 5
    scorers: list[tracelm.Scorer] = [
        ToolTrajectory(),
        NoFailedSteps(),
        StepCount(at_most=9, of="tools"),
        Latency(at_most_s=60),
        Tokens(),
    ]
    evaluation = tracelm.Evaluation(dataset=tracelm.Dataset(name="d", rows=rows), scorers=scorers, trials=2)
    run = asyncio.run(evaluation.evaluate(agent))
    assert run.rows["outcome"].unique().tolist() == ["scored"]
    assert run.rows["tool_trajectory"].tolist() == ([True] * 2 + [False] * 2) * 5
    assert run.rows["no_failed_steps"].tolist() == ([True] * 2 + [False] * 2) * 5
    assert run.rows["step_count"].tolist() == [2.0] * 20
    assert run.rows["tokens"].tolist() == [0.0] * 20


def test_a_scorer_guards_what_the_guarded_call_did(spans: Spans) -> None:
    guardrail = tracelm.Guardrail(ToolsCalled(tools=("book",), match="none"))

    @tracelm.guard(guardrail)
    @tracelm.op
    def careless(query: str) -> str:
        return agent(query)

    with pytest.raises(tracelm.GuardrailTripped):
        careless("Rome")


def test_spans_are_kept_only_while_a_scorer_lives_and_only_so_many(spans: Spans) -> None:
    gc.collect()
    before = bool(recent.readers)
    scorer = NoFailedSteps()
    assert recent.readers
    first = context_of("Rome")
    assert first.trace_id is not None
    assert recent.finished(first.trace_id) is not None
    for _ in range(recent.MAX_TRACES):
        search("x")
    assert recent.finished(first.trace_id) is None
    assert scorer.score(context=first).value is True  # from the store
    with tracelm.span("many") as many:
        for _ in range(recent.MAX_SPANS + 1):
            with tracelm.span("one"):
                pass
    assert recent.finished(many.trace_id) is None
    counted = StepCount(at_most=5_000).score(context=ScoreContext({}, None, many.trace_id, many.span_id))
    assert counted.value == recent.MAX_SPANS + 1
    del scorer
    gc.collect()
    assert bool(recent.readers) is before


def test_what_was_recorded_by_others_names_its_tools_too(spans: Spans, where: str) -> None:
    with tracelm.span("agent") as call:
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "weather",
            "gen_ai.tool.call.arguments": json.dumps({"city": "Rome"}),
        }
        with tracelm.span("execute_tool weather", attributes=attributes):
            pass
    course = course_of(ScoreContext({}, None, call.trace_id, call.span_id))
    assert not isinstance(course, str)
    assert [each.tool_call for each in course.steps] == [ToolCall("weather", {"city": "Rome"})]


def test_what_is_needed_is_known_before_anything_runs() -> None:
    with pytest.raises(tracelm.EvaluationError, match="wants the parameter 'expected'"):
        parameters_of(ToolTrajectory(), ["output", "inputs", "context"])


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (ToolsCalled, {"tools": ()}),
        (ToolsCalled, {"tools": "search"}),
        (ToolsCalled, {"tools": ("a",), "match": "some"}),
        (ToolTrajectory, {"order": "reverse"}),
        (ToolTrajectory, {"seen": "heard"}),
        (StepCount, {}),
        (StepCount, {"at_least": 2, "at_most": 1}),
        (Latency, {"at_most_s": -1}),
        (Cost, {"at_most_usd": float("nan")}),
        (Tokens, {"at_most": True}),
    ],
)
def test_settings_that_cannot_work_are_refused(kind: Any, settings: dict[str, object]) -> None:
    with pytest.raises(tracelm.ConfigError):
        kind(**settings)
