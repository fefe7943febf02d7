"""Timeouts, retries, rates and budgets: a run stops cleanly, says why, and can go on."""

import email.utils
import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracelm
from tests.unit.evals.squares import right, square, squares
from tracelm.evals.limits import Budget, Limits
from tracelm.evals.pace import Bucket, Pace
from tracelm.evals.retries import backoff_s, is_refusal, is_retryable, repeats_of_client, retry_after_s
from tracelm.testing import Spans

REPLY = (
    b'{"id":"1","object":"chat.completion","model":"m","created":1,"choices":[{"index":0,"finish_reason":"stop",'
    b'"message":{"role":"assistant","content":"4"}}],"usage":{"prompt_tokens":6,"completion_tokens":1,"total_tokens":7}}'
)


def many(size: int) -> tracelm.Dataset:
    return squares([{"number": number, "expected": number * number} for number in range(size)])


class Provider:
    """A server that refuses the first requests, then answers."""

    def __init__(self, refusals: int, status: int = 429, headers: dict[str, str] | None = None) -> None:
        self.requests = 0
        self.refusals = refusals
        self.status = status
        self.headers = headers or {"retry-after-ms": "1"}
        self._lock = threading.Lock()

    def is_refused(self) -> bool:
        with self._lock:
            self.requests += 1
            return self.requests <= self.refusals


@contextmanager
def serving(provider: Provider) -> Generator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            refused = provider.is_refused()
            body = b'{"error":{"message":"slow down"}}' if refused else REPLY
            self.send_response(provider.status if refused else 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            for name, value in provider.headers.items() if refused else ():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 - as the base class calls it

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def asks(url: str, *, max_retries: int) -> Any:
    client = openai.AsyncOpenAI(base_url=url, api_key="test", max_retries=max_retries)

    async def ask(number: int) -> str:
        reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": str(number)}])
        return reply.choices[0].message.content or ""

    return ask


def answered(output: str) -> bool:
    return output == "4"


def test_a_refused_call_is_repeated_until_it_is_answered(spans: Spans) -> None:
    provider = Provider(refusals=3)
    with serving(provider) as url:
        run = tracelm.Evaluation(dataset=many(1), scorers=[answered]).run(asks(url, max_retries=0))
    assert list(run.rows["outcome"]) == ["scored"]
    assert provider.requests == 4
    assert spans.one("evaluation row").attributes["tracelm.row.attempts"] == 4


@pytest.mark.parametrize(
    ("retries", "max_retries", "requests"), [(3, 2, 6), (2, 2, 3), (0, 2, 3), (5, 0, 6), (5, 5, 6)]
)
def test_repeats_of_the_client_are_not_multiplied_by_ours(retries: int, max_retries: int, requests: int) -> None:
    provider = Provider(refusals=1000)
    with serving(provider) as url:
        evaluation = tracelm.Evaluation(dataset=many(1), scorers=[answered], limits=Limits(retries=retries))
        run = evaluation.run(asks(url, max_retries=max_retries))
    assert list(run.rows["outcome"]) == ["task_error"]
    assert "RateLimitError" in str(run.rows["error"][0])
    assert provider.requests == requests  # our own would be (retries + 1) * (max_retries + 1)


def test_only_errors_that_are_named_are_repeated() -> None:
    calls: Counter[int] = Counter()

    def fails(number: int) -> int:
        calls[number] += 1
        if calls[number] < 3:
            raise ConnectionResetError("reset") if number else ValueError("wrong")
        return number * number

    def outcomes(limits: Limits | None) -> list[str]:
        calls.clear()
        run = tracelm.Evaluation(dataset=many(2), scorers=[right], limits=limits).run(fails)
        return list(run.rows["outcome"])

    assert outcomes(None) == ["task_error", "task_error"]
    assert outcomes(Limits(retry_on=(ConnectionError,))) == ["task_error", "scored"]
    assert calls == {0: 1, 1: 3}
    assert outcomes(Limits(retry_on=("ConnectionError", "ValueError"))) == ["scored", "scored"]
    assert outcomes(Limits(retry_on=(ConnectionError,), retries=1)) == ["task_error", "task_error"]


def error_of(status: int, headers: dict[str, str], *, count: int = 0) -> openai.APIStatusError:
    request = httpx2.Request("POST", "http://p", headers={"x-stainless-retry-count": str(count)})
    response = httpx2.Response(status, headers=headers, request=request)
    return openai.APIStatusError("refused", response=response, body=None)


def test_what_an_error_says_is_found_also_behind_another_error() -> None:
    inner = error_of(529, {"retry-after": "7"}, count=2)
    outer = RuntimeError("agent failed")
    outer.__cause__ = inner
    for error in (inner, outer):
        assert is_refusal(error)
        assert is_retryable(error, Limits())
        assert (retry_after_s(error), repeats_of_client(error)) == (7.0, 2)
    plain = ValueError("no")
    assert not is_refusal(plain)
    assert (retry_after_s(plain), repeats_of_client(plain)) == (None, 0)
    assert not is_retryable(error_of(400, {}), Limits())


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "3.5"}, 3.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "99999"}, 600.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_how_long_a_provider_asks_to_wait(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(error_of(429, headers)) == expected


def test_a_date_to_wait_for_is_read() -> None:
    asked = retry_after_s(error_of(429, {"retry-after": email.utils.formatdate(time.time() + 300, usegmt=True)}))
    assert asked is not None
    assert 0 < asked <= 300


@given(st.integers(0, 40), st.floats(0, 1), st.none() | st.floats(0, 100))
def test_jitter_is_full_and_never_below_what_is_asked(repeat: int, draw: float, asked: float | None) -> None:
    waits = backoff_s(repeat, draw=draw, asked_s=asked)
    bound = min(60.0, 0.5 * 2**repeat)
    assert (asked or 0.0) <= waits <= (asked + min(bound, asked) if asked else bound)
    assert backoff_s(repeat, draw=0.0, asked_s=None) == 0.0


@pytest.mark.anyio
async def test_a_task_that_takes_too_long_is_a_timeout_and_the_others_go_on(anyio_backend: str, spans: Spans) -> None:
    async def hangs(number: int) -> int:
        if number == 1:
            await anyio.sleep_forever()
        return number * number

    evaluation = tracelm.Evaluation(dataset=many(3), scorers=[right], limits=Limits(timeout_s=0.2))
    run = await evaluation.evaluate(hangs)
    assert list(run.rows["outcome"]) == ["scored", "timeout", "scored"]
    assert run.rows["error"][1] == "TimeoutError: the task took longer than timeout_s=0.2"
    assert list(run.summary.loc["right", ["n", "scored", "errors"]]) == [3, 2, 1]
    outcomes = Counter(each.attributes["tracelm.row.outcome"] for each in spans.named("evaluation row"))
    assert outcomes == {"scored": 2, "timeout": 1}
    loaded = tracelm.EvalRun.load(run.run_id, url=f"sqlite:///{spans.home}/tracelm.db")
    assert loaded.rows["outcome"][1] == "timeout"


def test_a_sync_task_that_takes_too_long_is_left_alone() -> None:
    released = threading.Event()

    def hangs(number: int) -> int:
        if number == 1:
            released.wait()
        return number * number

    def judge(output: int) -> bool:
        return True

    threading.Timer(5.0, released.set).start()  # so that the process can end, whatever happens
    evaluation = tracelm.Evaluation(dataset=many(3), scorers=[judge], limits=Limits(timeout_s=0.2))
    run = evaluation.run(hangs)
    assert not released.is_set()
    released.set()
    assert list(run.rows["outcome"]) == ["scored", "timeout", "scored"]


def test_a_scorer_that_takes_too_long_costs_its_own_cell() -> None:
    async def hangs(output: int) -> bool:
        await anyio.sleep_forever()
        return True

    run = tracelm.Evaluation(dataset=many(2), scorers=[hangs, right], limits=Limits(timeout_s=0.1)).run(square)
    assert list(run.rows["outcome"]) == ["scorer_error"] * 2
    assert run.rows["error"][0] == "scorer 'hangs': TimeoutError: it took longer than timeout_s=0.1"
    assert run.summary.loc["right", "mean"] == 1.0


def spend(cost_usd: float, tokens: int) -> None:
    used = {"gen_ai.usage.cost.amount": cost_usd, "gen_ai.usage.input_tokens": tokens}
    with tracelm.span("chat m", attributes={"gen_ai.operation.name": "chat", **used}):
        pass


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(max_cost_usd=1.0), "1 USD were spent, max_cost_usd=1"),
        (Limits(max_tokens=40), "40 tokens were used, max_tokens=40"),
    ],
)
def test_at_a_budget_the_run_stops_says_so_and_goes_on_when_it_is_raised(
    limits: Limits, why: str, spans: Spans
) -> None:
    called: list[int] = []

    def task(number: int) -> int:
        called.append(number)
        spend(0.125, 5)
        return number * number

    def judge(output: int) -> bool:  # an LLM judge costs as well
        spend(0.125, 5)
        return True

    def evaluation(limits: Limits | None) -> tracelm.Evaluation:
        return tracelm.Evaluation(dataset=many(10), scorers=[judge], max_concurrency=1, limits=limits)

    run = evaluation(limits).run(task)
    assert run.stopped == why
    assert f"stopped: {why}" in str(run)
    assert Counter(run.rows["outcome"]) == {"scored": 4, "not_run": 6}
    assert list(run.summary.loc["judge", ["n", "scored", "errors"]]) == [10, 4, 0]
    with tracelm.open_store(home=spans.home) as store:
        assert store.run(run.run_id).stopped == why
    # The budget is that of the run: taking it up does not give another one.
    again = evaluation(limits).run(task, resume=True)
    assert (again.run_id, again.stopped, len(called)) == (run.run_id, why, 4)
    whole = evaluation(None).run(task, resume=True)
    assert (whole.run_id, whole.stopped, whole.is_complete) == (run.run_id, None, True)
    assert called == list(range(10))


def test_too_many_failures_stop_the_run() -> None:
    def fails(number: int) -> int:
        raise ValueError("no")

    for allowed, failed in ((0.1, 2), (3, 3), (1, 1)):
        limits = Limits(fail_on_error=allowed)
        run = tracelm.Evaluation(dataset=many(20), scorers=[right], limits=limits, max_concurrency=1).run(fails)
        assert Counter(run.rows["outcome"]) == {"task_error": failed, "not_run": 20 - failed}
        assert run.stopped == f"{failed} of 20 trials failed, fail_on_error={allowed:g}"


def test_the_time_of_a_run_is_bounded() -> None:
    now = [0.0]
    budget = Budget(Limits(max_duration_s=10), planned=5, now_s=lambda: now[0])
    assert budget.reached() is None
    now[0] = 10.0
    assert budget.reached() == "the time is over, max_duration_s=10"


@pytest.mark.parametrize(
    "wrong",
    [{"timeout_s": 0}, {"retries": -1}, {"retries": 1.5}, {"max_cost_usd": float("nan")}, {"fail_on_error": True},
     {"requests_per_minute": -1}, {"retry_on": (object,)}],
)  # fmt: skip
def test_a_limit_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(tracelm.ConfigError, match=next(iter(wrong))):
        Limits(**wrong)


def test_refusals_lower_the_number_of_calls_at_once_and_answers_raise_it() -> None:
    pace = Pace(Limits(), most=10, now_s=0.0)
    for _ in range(10):
        pace.started(0.0)
    for _ in range(10):  # they began together: all of them say the same thing
        pace.refused(1.0, started_s=0.0, retry_after_s=None)
        pace.ended(1.0, requests=1, tokens=0)
    assert pace.at_once == 8.0
    pace.refused(2.0, started_s=1.5, retry_after_s=30.0)
    assert pace.at_once == pytest.approx(6.4)
    assert pace.wait_s(2.0) == 30.0
    assert pace.wait_s(32.0) == 0.0
    for _ in range(6):
        pace.started(32.0)
    assert pace.wait_s(32.0) is None
    for _ in range(100):
        pace.refused(40.0, started_s=39.0 + _, retry_after_s=None)
    assert pace.at_once == 1.0
    for _ in range(100):
        pace.ended(50.0, requests=1, tokens=0)
    assert pace.at_once == 10.0


def test_where_it_is_not_adaptive_a_refusal_changes_nothing() -> None:
    pace = Pace(Limits(adaptive=False), most=10, now_s=0.0)
    pace.refused(1.0, started_s=0.5, retry_after_s=30.0)
    assert (pace.at_once, pace.wait_s(1.0)) == (10.0, 0.0)


@given(st.lists(st.floats(0.1, 500), min_size=1, max_size=60), st.floats(1, 10_000))
def test_a_rate_holds_in_the_long_run(amounts: list[float], per_minute: float) -> None:
    bucket, now_s = Bucket(per_minute, now_s=0.0), 0.0
    for amount in amounts:
        now_s += bucket.wait_s(now_s)
        assert bucket.wait_s(now_s) == pytest.approx(0.0, abs=1e-6)
        bucket.take(amount, now_s)
    # All but the last fit into what flowed in, and what was there at the beginning.
    assert sum(amounts[:-1]) <= now_s / 60 * per_minute + max(1.0, per_minute / 12) + 1.0


def test_requests_and_tokens_are_settled_with_what_a_trial_took() -> None:
    pace = Pace(Limits(requests_per_minute=60, tokens_per_minute=6000), most=10, now_s=0.0)
    pace.started(0.0)
    pace.ended(0.0, requests=1, tokens=2000)  # 500 were there: 15 s of debt
    waits = pace.wait_s(0.0)
    assert waits is not None
    assert waits == pytest.approx(15.0, rel=0.01)
    agent = Pace(Limits(requests_per_minute=60), most=10, now_s=0.0)
    agent.started(0.0)
    agent.ended(0.0, requests=10, tokens=0)
    assert agent.wait_s(0.0) == pytest.approx(5.0, rel=0.01)


@pytest.mark.anyio
async def test_a_run_at_a_rate_comes_to_its_end(anyio_backend: str) -> None:
    limits = Limits(requests_per_minute=60_000, tokens_per_minute=60_000)
    evaluation = tracelm.Evaluation(dataset=many(50), scorers=[right], limits=limits, max_concurrency=5)
    run = await evaluation.evaluate(square)
    assert run.is_complete


@pytest.mark.anyio
@pytest.mark.parametrize("most", [1, 2, 7])
async def test_a_run_whose_calls_are_refused_comes_to_its_end(anyio_backend: str, most: int) -> None:
    calls: Counter[int] = Counter()

    async def refused_twice(number: int) -> int:
        await anyio.lowlevel.checkpoint()
        calls[number] += 1
        if calls[number] < 3:
            raise error_of(429, {"retry-after-ms": "1"})
        return number * number

    evaluation = tracelm.Evaluation(dataset=many(12), scorers=[right], max_concurrency=most)
    run = await evaluation.evaluate(refused_twice)
    assert run.summary.loc["right", "mean"] == 1.0
    assert set(calls.values()) == {3}
