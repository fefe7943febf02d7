"""A trace goes on in another process: `inject` there, `extract` here."""

import multiprocessing
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracelm
from tracelm import semconv
from tracelm.testing import Spans

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@tracelm.op(name="job")
def job(number: int) -> int:
    return number * 2


def in_another_process(home: str, carrier: dict[str, str], number: int) -> int:
    """What a worker does: record into the same home, below the span that the carrier names."""
    tracelm.init("worker", home=home)
    with tracelm.extract(carrier):
        result = job(number)
    tracelm.shutdown()
    return result


def test_without_a_span_there_is_nothing_to_inject() -> None:
    assert tracelm.inject() == {}


def test_a_span_and_its_session_are_injected_in_the_form_of_w3c(spans: Spans) -> None:
    with tracelm.session("conversation 7", user_id="ada"), tracelm.span("outer") as outer:
        carrier = tracelm.inject()
    assert carrier["traceparent"].startswith(f"00-{outer.trace_id}-{outer.span_id}-")
    assert set(carrier) == {"traceparent", "baggage"}


def test_extract_continues_the_trace_and_its_session(spans: Spans) -> None:
    with tracelm.session("conversation 7", user_id="ada"), tracelm.span("outer"):
        carrier = tracelm.inject()
    with tracelm.extract(carrier):
        job(1)
    found = spans.one("job")
    assert found.parent_span_id == spans.one("outer").span_id
    assert found.trace_id == spans.one("outer").trace_id
    assert (found.attributes[semconv.SESSION_ID], found.attributes[semconv.USER_ID]) == ("conversation 7", "ada")
    assert tracelm.inject() == {}


def test_headers_are_found_in_any_case(spans: Spans) -> None:
    with tracelm.extract({"Traceparent": f"00-{TRACE}-{SPAN}-01", "X-Other": "1"}):
        job(1)
    assert (spans.one("job").trace_id, spans.one("job").parent_span_id) == (TRACE, SPAN)


def test_a_caller_that_does_not_record_is_not_recorded_here_either(spans: Spans) -> None:
    with tracelm.extract({"traceparent": f"00-{TRACE}-{SPAN}-00"}):
        assert job(2) == 4
    assert spans.names() == []


@pytest.mark.parametrize("carrier", [{}, {"traceparent": "nonsense"}, {"baggage": "%%%"}, {"traceparent": "00-0-0-00"}])
def test_what_cannot_be_read_changes_nothing(spans: Spans, carrier: Mapping[str, str]) -> None:
    with tracelm.span("outer"), tracelm.extract(carrier):
        job(1)
    assert spans.one("job").parent_span_id == spans.one("outer").span_id


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.none(), st.integers(), st.binary())))
def test_extract_never_raises(carrier: dict[str, str]) -> None:
    with tracelm.extract({**carrier, "traceparent": carrier.get("0", "x")}):
        pass
    with tracelm.extract(None):  # type: ignore[arg-type]  # pyright: ignore
        pass


def test_an_op_in_a_process_pool_is_a_child_of_the_span_that_sent_it(spans: Spans) -> None:
    with (
        tracelm.span("outer"),
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        result = pool.submit(in_another_process, str(spans.home), tracelm.inject(), 4).result(timeout=60)
        assert pool.submit(job, 5).result(timeout=60) == 10  # an op itself can be sent: it pickles by its name
    assert result == 8
    found, outer = spans.one("job"), spans.one("outer")
    assert (found.trace_id, found.parent_span_id) == (outer.trace_id, outer.span_id)


def test_a_forked_worker_records_below_what_it_extracts(spans: Spans) -> None:
    with tracelm.span("enqueue") as sent:
        carrier = tracelm.inject()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with tracelm.extract(carrier):
                job(7)
            report = tracelm.flush()
            os.write(write, str(report.lost).encode())
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert os.read(read, 10) == b"0"
    os.close(read)
    os.close(write)
    found = spans.one("job")
    assert (found.trace_id, found.parent_span_id) == (sent.trace_id, sent.span_id)


def test_a_stream_that_is_open_at_a_fork_is_ended_by_the_parent_only(spans: Spans) -> None:
    @tracelm.op(name="steps")
    def steps() -> object:
        yield 1
        yield 2

    running = steps()
    next(running)  # type: ignore[call-overload]
    child = os.fork()
    if child == 0:
        try:
            tracelm.shutdown()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert spans.names() == []
    assert list(running) == [2]  # type: ignore[call-overload]
    assert spans.names() == ["steps"]
