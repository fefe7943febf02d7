"""What a call is billed by beside its tokens: tools that ran at OpenAI, and the images of other models."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

import tracelm
from tests.integrations.answering import RESPONSE, Server
from tracelm.otlp.records import Attributes
from tracelm.pricing.call import PricedCall
from tracelm.pricing.prices import PriceTable
from tracelm.testing import Spans

TOKENS = {"input_tokens": 1_000, "output_tokens": 100, "total_tokens": 1_100}
TOKENS_USD = (1_000 * 1.25 + 100 * 10) / 1e6
pytestmark = pytest.mark.openai(3, 0)
NO_IMAGES = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}


def _web_search(action: Mapping[str, object] | None) -> dict[str, object]:
    return {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": action}


SEARCH = _web_search({"type": "search", "query": "cards"})
WITHOUT_ACTION = _web_search(None)  # as in its first year
OPENED = _web_search({"type": "open_page", "url": "https://example.org"})
FILES = {"id": "fs_1", "type": "file_search_call", "status": "completed", "queries": ["cards"], "results": None}
IMAGE = {"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": "aGk="}
CODE = {"id": "ci_1", "type": "code_interpreter_call", "status": "completed", "code": "1", "container_id": "c_1"}
SHELL = {"id": "sh_1", "type": "shell_call", "status": "completed", "call_id": "c", "action": {"commands": ["ls"]}}
THERE = SHELL | {"environment": {"type": "container_reference", "container_id": "c_1"}}


def _response(output: Sequence[object], tool_usage: object = None) -> dict[str, Any]:
    items = [*output, *RESPONSE["output"]]
    body = {**RESPONSE, "model": "gpt-5-2025-08-07", "usage": TOKENS, "output": items}
    return body if tool_usage is None else {**body, "tool_usage": tool_usage}


def _asked(body: Mapping[str, Any], spans: Spans) -> Attributes:
    with Server(body).client() as client:
        client.responses.create(model="gpt-5", input="Why?")
    return spans.one().attributes


@pytest.mark.parametrize(
    ("output", "tool_usage", "searches"),
    [
        ([SEARCH, OPENED, SEARCH], None, 2),
        ([WITHOUT_ACTION], None, 1),
        # Some of them were discounted: what is billed the provider knows.
        ([SEARCH, SEARCH, SEARCH], {"image_gen": NO_IMAGES, "web_search": {"num_requests": 1}}, 1),
    ],
)
def test_searches_in_the_web_are_part_of_the_cost(
    output: Sequence[object], tool_usage: object, searches: int, spans: Spans
) -> None:
    attributes = _asked(_response(output, tool_usage), spans)
    assert attributes["tracelm.usage.web_searches"] == searches
    assert attributes["tracelm.cost.web_searches_usd"] == searches * 0.01
    assert attributes["gen_ai.usage.cost.amount"] == pytest.approx(TOKENS_USD + searches * 0.01)


def test_a_response_that_looked_for_nothing_has_no_searches(spans: Spans) -> None:
    attributes = _asked(_response([OPENED], {"image_gen": NO_IMAGES, "web_search": {"num_requests": 0}}), spans)
    assert [key for key in attributes if key.startswith("tracelm.usage.")] == []
    assert attributes["gen_ai.usage.cost.amount"] == pytest.approx(TOKENS_USD)


def test_searches_in_files_are_part_of_the_cost(spans: Spans) -> None:
    attributes = _asked(_response([FILES, FILES]), spans)
    assert attributes["tracelm.usage.file_searches"] == 2
    assert attributes["gen_ai.usage.cost.amount"] == pytest.approx(TOKENS_USD + 2 * 0.0025)


@pytest.mark.parametrize(
    ("item", "missing"), [(IMAGE, "image_generation"), (CODE, "code_interpreter"), (THERE, "shell")]
)
def test_a_tool_that_is_billed_and_not_counted_leaves_no_cost(item: object, missing: str, spans: Spans) -> None:
    attributes = _asked(_response([item]), spans)
    assert attributes["tracelm.usage.not_counted"] == missing
    assert [key for key in attributes if "cost" in key] == []
    assert PriceTable().cost(PricedCall.from_span(attributes, spans.one().start_ns)) is None


def test_a_tool_that_the_program_runs_costs_nothing(spans: Spans) -> None:
    assert _asked(_response([SHELL]), spans)["gen_ai.usage.cost.amount"] == pytest.approx(TOKENS_USD)


def _events(*events: Mapping[str, object]) -> bytes:
    return "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events).encode()


def test_a_stream_of_a_server_that_sends_no_output_at_the_end_has_its_searches(tmp_path: Any) -> None:
    tracelm.init("p", home=tmp_path, capture_content=False)
    done = {"type": "response.output_item.done", "output_index": 0, "sequence_number": 1, "item": SEARCH}
    whole: dict[str, Any] = {**_response([]), "output": []}
    last = {"type": "response.completed", "sequence_number": 2, "response": whole}
    with Server(_events(done, last), content_type="text/event-stream").client() as client:
        list(client.responses.create(model="gpt-5", input="Why?", stream=True))
    attributes = Spans(tmp_path).one().attributes
    assert attributes["tracelm.usage.web_searches"] == 1
    assert "gen_ai.output.messages" not in attributes


DRAWN = {"total_tokens": 4_260, "input_tokens": 100, "output_tokens": 4_160}
DRAWN_DETAILS = {"input_tokens_details": {"text_tokens": 100, "image_tokens": 0}}
OF_IMAGES = {"output_tokens_details": {"text_tokens": 0, "image_tokens": 4_160}}


def test_what_a_streamed_image_took_are_tokens_of_an_image(spans: Spans) -> None:
    event = {"type": "image_generation.completed", "b64_json": "aGk=", "usage": DRAWN | DRAWN_DETAILS}
    with Server(_events(event), content_type="text/event-stream").client() as client:
        list(client.images.generate(model="gpt-image-1.5", prompt="x", stream=True))
    attributes = spans.one().attributes
    assert attributes["gen_ai.usage.image.output_tokens"] == 4_160
    assert attributes["gen_ai.usage.cost.amount"] == pytest.approx((100 * 5 + 4_160 * 32) / 1e6)


def test_an_svg_that_another_model_wrote_has_no_cost_instead_of_half_of_it(spans: Spans) -> None:
    body = {"created": 1, "data": [{"b64_json": "aGk="}], "usage": DRAWN | DRAWN_DETAILS | OF_IMAGES}
    written = {"model": "gpt-5", "input_tokens": 5_000, "output_tokens": 3_000, "total_tokens": 8_000}
    with Server(body | {"svg_usage": written}).client() as client:
        client.images.generate(model="gpt-image-1.5", prompt="x")
    attributes = spans.one().attributes
    assert attributes["tracelm.usage.not_counted"] == "svg"
    assert [key for key in attributes if "cost" in key] == []
