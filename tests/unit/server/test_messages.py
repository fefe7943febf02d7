"""A sender from before 1.37 tells what was said in log records: the API shows it with the span, and how it came."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.otlp_bodies import told
from tests.serving import serving


@pytest.mark.parametrize("order", [("traces", "logs"), ("logs", "traces")])
def test_what_a_call_said_is_shown_with_its_span_and_as_it_came(tmp_path: Path, order: tuple[str, str]) -> None:
    bodies = {"traces": "openai-v2.bin", "logs": "openai-v2-logs.bin"}
    with serving(tmp_path / "home") as server:
        for signal in order:
            assert server.send((told.FOLDER / bodies[signal]).read_bytes(), signal=signal).body == b""
        listed: list[dict[str, Any]] = server.get("/traces", order_by="start").json["items"]
        [span] = server.get(f"/traces/{listed[0]['trace_id']}").json["spans"]
        path = f"/traces/{span['trace_id']}/spans/{span['span_id']}"
        shown = server.get(path).json["attributes"]
        came = server.get(f"{path}/messages").json["items"]
        assert server.get(f"/traces/{span['trace_id']}/spans/{'f' * 16}/messages").status == 404
    assert [json.loads(shown[f"gen_ai.{side}.messages"])[0]["parts"] for side in ("input", "output")] == [
        told.CALLS[0][side][0]["parts"] for side in ("asked", "answered")
    ]
    assert listed[0]["input_preview"] == "Hello!"
    assert [each["name"] for each in came] == ["gen_ai.user.message", "gen_ai.choice"]
    assert json.loads(came[0]["otlp"])["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["spanId"] == span["span_id"]
