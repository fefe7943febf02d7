"""Secrets never reach the disk: by name and by form, in values, attributes, exceptions and log records."""

from collections.abc import Iterator

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace

import tracelm
from tracelm.testing import Spans
from tracelm.trace.redact import REDACTED, is_secret_name, may_hold_secret, redact, redact_text
from tracelm.trace.values import encode

SECRETS = {
    "OpenAI key": "sk-proj-" + "Ab3_" * 12,
    "Anthropic key": "sk-ant-api03-" + "Ab3-" * 12,
    "Groq key": "gsk_" + "Ab3d" * 8,
    "Google key": "AIza" + "Ab3d" * 9,
    "AWS key id": "AKIA" + "ABCD1234EFGH5678",
    "GitHub token": "ghp_" + "Ab3d" * 9,
    "Slack token": "xoxb-" + "1234567890-" * 2,
    "JSON web token": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w",
    "bearer header": "Bearer " + "abc123def456ghi",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    "connection string": "postgresql://ada:hunter22@db.internal:5432/orders",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("where", ["{}", "before {} after", "line\n{}\nline", "a repr\\n{}", 'in "{}" quotes'])
def test_a_secret_is_found_and_taken_out_of_text(secret: str, where: str) -> None:
    text = where.format(secret)
    hidden = "hunter22" if "hunter22" in secret else secret
    assert may_hold_secret(orjson.dumps(text))
    assert may_hold_secret(orjson.dumps(orjson.dumps(text).decode()))
    assert hidden not in redact_text(text)
    assert REDACTED in redact_text(text)


def test_what_stands_around_a_secret_stays() -> None:
    assert redact_text("use sk-aaaaaaaaaaaaaaaaaaaaaaaa now") == f"use {REDACTED} now"
    assert redact_text("postgresql://ada:hunter22@db/orders") == f"postgresql://ada:{REDACTED}@db/orders"


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "X-Api-Key", "OPENAI_API_KEY", "authorization", "Proxy-Authorization", "password",
     "db.password", "client_secret", "access_token", "token", "Set-Cookie", "privateKey", "aws_secret_access_key"],
)  # fmt: skip
def test_a_value_under_a_telling_name_goes_whole(name: str) -> None:
    value = {"outer": {name: "anything"}, "json": orjson.dumps({name: ["x", 1]}).decode()}
    assert may_hold_secret(orjson.dumps(value))
    found = redact(value)
    assert found["outer"][name] == REDACTED
    assert orjson.loads(found["json"])[name] == REDACTED
    assert "anything" not in encode(value, max_bytes=1_000)


@pytest.mark.parametrize("name", ["max_tokens", "gen_ai.usage.input_tokens", "tokenizer", "author", "keyboard", "q"])
def test_harmless_names_keep_their_values(name: str) -> None:
    assert not is_secret_name(name)
    assert redact({name: "value"}) == {name: "value"}


def test_a_word_that_ends_like_the_start_of_a_key_stays() -> None:
    assert redact_text("task-management-system-overview") == "task-management-system-overview"


def test_an_absent_secret_stays_visibly_absent() -> None:
    assert redact({"api_key": None, "password": False}) == {"api_key": None, "password": False}


@given(st.text(), st.sampled_from(sorted(SECRETS.values())))
def test_redaction_is_final(text: str, secret: str) -> None:
    once = redact_text(f"{text} {secret}")
    assert redact_text(once) == once


def on_disk(spans: Spans) -> Iterator[bytes]:
    return (path.read_bytes() for path in spans.home.rglob("*") if path.is_file())


KEY = "sk-" + "zzTopSecret" * 3


def test_no_door_lets_a_key_through_to_the_disk(spans: Spans) -> None:
    @tracelm.op
    def leak(question: str, api_key: str) -> str:
        tracelm.current_span().set_attribute("note", f"called with {KEY}")
        tracelm.current_span().otel.add_event("asked", {"header": f"Bearer {KEY}"})
        tracelm.score(tracelm.current_span(), name="n", value=True, explanation=f"because {KEY}")
        return f"{question} {KEY}"

    @tracelm.op
    def fail() -> None:
        raise ValueError(f"bad key {KEY}")

    leak(KEY, KEY)
    with pytest.raises(ValueError, match="bad key"):
        fail()
    with tracelm.attributes({"x-api-key": KEY}), tracelm.span(f"step {KEY}", inputs={"deep": [{"password": KEY}]}):
        pass
    with trace.get_tracer("another library").start_as_current_span("theirs") as theirs:
        theirs.set_attribute("http.request.header.authorization", KEY)
    with tracelm.session(KEY, user_id=KEY), tracelm.span("in session"):
        pass
    assert spans.names() != []
    assert not any(b"zzTopSecret" in data for data in on_disk(spans))


def test_a_span_of_ours_is_clean_before_other_exporters_see_it(spans: Spans) -> None:
    with tracelm.span("step", inputs={"key": KEY}) as step:
        step.set_output(KEY)
    attributes = getattr(step.otel, "attributes", {})
    assert "zzTopSecret" not in repr(dict(attributes))
