"""Secrets never reach the disk: by name and by form, in values, attributes, exceptions and log records."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.trace import Link, StatusCode

import tracelm
from tracelm.settings import Settings
from tracelm.startup import shutdown, start
from tracelm.testing import Spans
from tracelm.trace.forms import REDACTED
from tracelm.trace.provider import RandomIds
from tracelm.trace.redact import Redactor
from tracelm.trace.rules import FAILED
from tracelm.trace.safely import failures
from tracelm.trace.values import encode

DEFAULT = Redactor()
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
    assert DEFAULT.may_hold_secret(orjson.dumps(text))
    assert DEFAULT.may_hold_secret(orjson.dumps(orjson.dumps(text).decode()))
    assert hidden not in DEFAULT.text(text)
    assert REDACTED in DEFAULT.text(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("use sk-aaaaaaaaaaaaaaaaaaaaaaaa now", "use [redacted] now"),
        ("postgresql://ada:hunter22@db/orders", "postgresql://ada:[redacted]@db/orders"),
        ("amqp://u:p@ss@h/vhost", "amqp://u:[redacted]@h/vhost"),
        ("amqp://u:pa/ss@h", "amqp://u:[redacted]@h"),
        ("host=db user=a password=hunter22 port=1", "host=db user=a password=[redacted] port=1"),
        ("https://h/y?api_key=hunter22&a=1", "https://h/y?api_key=[redacted]&a=1"),
        ("https://h/y.png?se=2026&sig=Ab3d%2Fx1Yz0%3D", "https://h/y.png?se=2026&sig=[redacted]"),
        ("https://h/y?X-Amz-Signature=0a1b2c3d4e&a=1", "https://h/y?X-Amz-Signature=[redacted]&a=1"),
        ("https://h/y?X-Goog-Signature=0a1b2c3d4e", "https://h/y?X-Goog-Signature=[redacted]"),
        ("https://h/y?Signature=Ab~Cd-Ef_Gh~Ij&Key-Pair-Id=K", "https://h/y?Signature=[redacted]&Key-Pair-Id=K"),
        ("https://h/y?a=1&amp;sig=0a1b2c3d4e", "https://h/y?a=1&amp;sig=[redacted]"),
        (r"https://h/y?a=1\u0026sig=0a1b2c3d4e", r"https://h/y?a=1\u0026sig=[redacted]"),
        ("{'password': 'hunter22', 'a': 1}", "{'password': '[redacted]', 'a': 1}"),
        ('login {"password": "hunter 22"}', 'login {"password": "[redacted]"}'),
        (r"{\"password\": \"hunter 22\"}", r"{\"password\": \"[redacted]\"}"),
        ("R(password=b'hunter22')", "R(password=b'[redacted]')"),
        ("[('password', 'hunter22')]", "[('password', '[redacted]')]"),
        ("{'name': 'password', 'value': 'hunter22'}", "{'name': 'password', 'value': '[redacted]'}"),
        ("{'cookies': {'sid': 'hunter22'}}", "{'cookies': [redacted]}"),
        ("Authorization: Token hunter22 x", "Authorization: [redacted]"),
        ("Cookie: a=hunter22; b=hunter22", "Cookie: [redacted]"),
        ("X-Auth-Token: hunter", "X-Auth-Token: [redacted]"),
        ("password: hunter22", "password: [redacted]"),
    ],
)
def test_a_secret_behind_its_name_goes_and_what_stands_around_it_stays(text: str, expected: str) -> None:
    assert DEFAULT.text(text) == expected
    assert DEFAULT.text(expected) == expected
    assert DEFAULT.may_hold_secret(orjson.dumps(text))
    assert DEFAULT.may_hold_secret(orjson.dumps(orjson.dumps(text).decode()))


@pytest.mark.parametrize(
    "text",
    [
        "the token: a word",
        "max_tokens=5",
        "https://h/y?signatures=ten&sig=0",
        "task-management-system-overview",
        "http://localhost:8080/a@b",
        "cookie: a small file",
        '["id", "password", "email"]',
        "password=None, token=''",
        "the secretary: at noon",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert DEFAULT.text(text) == text


NAMES = [
    "api_key", "apiKey", "X-Api-Key", "OPENAI_API_KEY", "authorization", "Proxy-Authorization", "password",
    "db.password", "client_secret", "access_token", "token", "Set-Cookie", "privateKey", "aws_secret_access_key",
    "cookies", "passwords", "pwd", "pass", "db_pass", "password_2", "openai_key", "secret_value", "auth", "basicAuth",
    "pass_word", "PASSWORD ", "api_key_openai",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_value_under_a_telling_name_goes_whole(name: str) -> None:
    value = {
        "outer": {name: "anything"},
        "json": orjson.dumps({name: ["anything", 1]}).decode(),
        "tuple key": {("a", name): "anything"},
        "bytes key": {name.encode(): "anything"},
        "pairs": [(name, "anything")],
        "named": [{"name": name, "value": "anything"}],
    }
    assert DEFAULT.may_hold_secret(orjson.dumps({name: "x"}))
    text = str(encode(value, max_bytes=10_000))
    assert "anything" not in text
    assert orjson.loads(text)["outer"][DEFAULT.name(name)] == REDACTED


@pytest.mark.parametrize(
    "name", ["max_tokens", "gen_ai.usage.input_tokens", "tokenizer", "author", "keyboard", "q", "oauth", "bypass",
             "compass", "secretary", "primary_key", "token_count", "passed", "tiktoken"]
)  # fmt: skip
def test_harmless_names_keep_their_values(name: str) -> None:
    assert not DEFAULT.is_secret_name(name)
    assert orjson.loads(str(encode({name: "value"}, max_bytes=100))) == {name: "value"}


def test_an_absent_secret_stays_visibly_absent() -> None:
    value = {"api_key": None, "password": False, "pass": 3}
    assert orjson.loads(str(encode(value, max_bytes=100))) == value


def test_the_pieces_of_a_reply_are_no_secrets() -> None:
    value = [{"token": "Hello", "logprob": -0.3}]
    assert orjson.loads(str(encode(value, max_bytes=100))) == value


@given(st.text(), st.sampled_from(sorted(SECRETS.values())))
def test_redaction_is_final(text: str, secret: str) -> None:
    once = DEFAULT.text(f"{text} {secret}")
    assert DEFAULT.text(once) == once


@given(st.text(st.sampled_from("password= :'\"[]{}(),\\xbtoken\n")))
def test_redaction_of_what_looks_like_fields_is_final(text: str) -> None:
    once = DEFAULT.text(text)
    assert DEFAULT.text(once) == once


@pytest.mark.parametrize(
    "piece",
    ["password=", "://a:", '"token":', "'", "-----BEGIN PRIVATE KEY-----", '{"a":', "token: ", "password: [ ",
     "authorization:", '("password", ', "token:token:", '\\"token\\",'],
)  # fmt: skip
def test_text_that_is_written_to_break_the_search_is_searched_all_the_same(piece: str) -> None:
    text = piece * 10_000
    once = DEFAULT.string(f"{text} {KEY}")
    assert "zzTopSecret" not in once
    assert "zzTopSecret" not in encode({"a": f"{KEY} {text}"}, max_bytes=1_000)


def test_json_inside_of_a_long_text_is_opened_before_it_is_cut() -> None:
    inner = orjson.dumps({"filler": "x" * 5_000, "login": {"cookies": {"deep": [{"sid": "hunter22"}]}}}).decode()
    assert "hunter22" not in encode({"arguments": inner}, max_bytes=10_000)
    assert "hunter22" not in encode({"arguments": inner, "other": "y" * 20_000}, max_bytes=10_000)


def on_disk(spans: Spans) -> Iterator[bytes]:
    return (path.read_bytes() for path in spans.home.rglob("*") if path.is_file())


def assert_nothing_leaked(spans: Spans, *marks: bytes) -> None:
    assert spans.names() != []
    for mark in marks:
        assert not any(mark in data for data in on_disk(spans))


KEY = "sk-" + "zzTopSecret" * 3
FIELDS = '{"password": "hunter22"}'


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
    assert_nothing_leaked(spans, b"zzTopSecret")


def test_names_of_spans_events_and_attributes_are_redacted_too(spans: Spans) -> None:
    with tracelm.span(KEY, attributes={KEY: "v", "list": [KEY], "map": {"password": "hunter22", KEY: 1}}) as step:
        step.otel.add_event(KEY, {KEY: "x", "password": "hunter22"})
        step.otel.add_link(step.context, {"password": "hunter22", KEY: 1})
        step.otel.set_status(StatusCode.ERROR, KEY)
    with tracelm.span("links", links=[Link(step.context, {KEY: KEY}).context]):
        pass
    tracelm.score(step, name=KEY, value=KEY, explanation=FIELDS, author=KEY)
    assert_nothing_leaked(spans, b"zzTopSecret", b"hunter22")
    assert spans.all()[0].name == REDACTED


def test_a_secret_in_a_list_is_taken_out_whichever_attribute_holds_it(spans: Spans) -> None:
    for key in ("mine", "gen_ai.request.encoding_formats", "gen_ai.request.stop_sequences"):
        with tracelm.span(key) as step:
            step.set_attribute(key, ["float", SECRETS["OpenAI key"], *"abcdef"])
        assert spans.all()[-1].attributes[key] == ["float", "[redacted]", *"abcdef"]


def test_json_in_an_argument_in_a_message_and_in_an_error_is_redacted(spans: Spans) -> None:
    @tracelm.op
    def login(arguments: str, call: dict[str, str]) -> str:
        return arguments

    @tracelm.op
    def refuse() -> None:
        raise KeyError(FIELDS)

    login(FIELDS, {"arguments": FIELDS})
    with pytest.raises(KeyError):
        refuse()
    with tracelm.span("by hand") as step:
        step.set_attribute("raw", FIELDS)
    assert_nothing_leaked(spans, b"hunter22")
    assert orjson.loads(str(spans.named(spans.names()[0])[0].attributes["output.value"])) == '{"password":"[redacted]"}'


def test_the_causes_notes_and_groups_of_an_exception_are_redacted(spans: Spans) -> None:
    def fail() -> None:
        try:
            raise ValueError(KEY)
        except ValueError as cause:
            error = RuntimeError("x")
            error.add_note(KEY)
            raise ExceptionGroup(KEY, [error, OSError(FIELDS)]) from cause

    with pytest.raises(ExceptionGroup), tracelm.span("fails"):
        fail()
    assert_nothing_leaked(spans, b"zzTopSecret", b"hunter22")


def test_a_stack_trace_says_where_but_shows_no_source_code(spans: Spans) -> None:
    def fail() -> None:
        raise ValueError("a message")  # a remark in the source

    with pytest.raises(ValueError, match="a message"), tracelm.span("fails"):
        fail()
    with pytest.raises(SyntaxError), tracelm.span("does not parse"):
        compile("some source code (", "f.py", "exec")
    stack = str(spans.named("fails")[0].events[0].attributes["exception.stacktrace"])
    assert re.search(r'File ".*test_redact.py", line \d+, in fail\n', stack)
    assert stack.endswith("ValueError: a message\n")
    assert_nothing_leaked(spans, b"a remark in the source", b"some source code")


def test_secrets_in_resource_and_scope_attributes_are_redacted(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    shutdown()
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", f"db.password=hunter22,deploy={KEY}")
    start(Settings(project="test", home=spans.home), ids=RandomIds(seed=0))
    with tracelm.span("ours") as step:
        provider: Any = step.otel
    del provider
    from tracelm.trace import runtime

    assert runtime.active is not None
    other = runtime.active.tracer._provider.get_tracer(KEY, attributes={"password": "hunter22"})  # pyright: ignore[reportPrivateUsage]
    with other.start_as_current_span("theirs"):
        pass
    assert spans.names() == ["ours", "theirs"]
    assert_nothing_leaked(spans, b"zzTopSecret", b"hunter22")


def test_a_span_of_ours_is_clean_before_other_exporters_see_it(spans: Spans) -> None:
    with tracelm.span("step", inputs={"key": KEY}) as step:
        step.set_output(KEY)
    attributes = getattr(step.otel, "attributes", {})
    assert "zzTopSecret" not in repr(dict(attributes))


# --- rules of the program ------------------------------------------------------------------------------------
Start = Callable[..., Spans]


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Start]:
    def begin(*rules: Any, **given: Any) -> Spans:
        shutdown()
        start(Settings(project="test", home=tmp_path, redact=rules, **given), ids=RandomIds(seed=0))
        return Spans(tmp_path)

    yield begin
    shutdown()


@tracelm.op
def greet(name: str, customer: dict[str, Any]) -> str:
    tracelm.current_span().set_attribute("note", f"for {name}")
    tracelm.current_span().otel.add_event(f"met {name}", {"who": name})
    return f"hello {name}"


@pytest.mark.parametrize(
    "rule", [re.compile("ada lovelace"), re.compile("ADA L[a-z]+", re.IGNORECASE), re.compile(r"\bada\s\w+")]
)
def test_a_regular_expression_holds_for_values_names_and_errors(recording: Start, rule: re.Pattern[str]) -> None:
    spans = recording(rule)
    greet("ada lovelace", {"ada lovelace": "ada lovelace", "json": '{"n": "ada lovelace"}'})
    with pytest.raises(ValueError, match="ada"), tracelm.span("about ada lovelace"):
        raise ValueError("no such person: ada lovelace")
    with trace.get_tracer("another library").start_as_current_span("theirs") as theirs:
        theirs.set_attribute("ada lovelace", "ada lovelace")
    tracelm.score(tracelm.current_span(), name="n", value=True, explanation="ada lovelace")
    assert_nothing_leaked(spans, b"lovelace")
    assert spans.named("greet")[0].attributes["note"] == f"for {REDACTED}"


def test_a_name_holds_in_any_spelling_and_inside_of_text(recording: Start) -> None:
    spans = recording("tax number")
    greet("x", {"tax_number": "12-345", "TaxNumber": "12-345", "json": '{"customer.tax-number": "12-345"}'})
    greet("tax number: 12-345", {"q": "?tax_number=12-345&a=1"})
    with tracelm.span("step", attributes={"customer.taxNumber": "12-345"}):
        pass
    assert_nothing_leaked(spans, b"12-345")


def test_a_function_is_applied_to_every_text_value(recording: Start) -> None:
    def hide(text: str) -> str:
        return text.replace("ada", "***")

    spans = recording(hide)
    greet("ada", {"deep": [{"name": "ada"}]})
    with pytest.raises(ValueError, match="ada"), tracelm.span("fails", attributes={"who": ["ada"]}):
        raise ValueError("ada")
    found = spans.named("greet")[0]
    assert found.attributes["output.value"] == '"hello ***"'
    assert found.attributes["note"] == "for ***"
    assert found.attributes["tracelm.op.name"] == "greet"
    assert spans.named("fails")[0].attributes["who"] == ["***"]
    assert "ada" not in str(spans.named("fails")[0].events[0].attributes["exception.message"])


def _fails(text: str) -> str:
    if "ada" in text:
        raise RuntimeError(f"cannot judge {text}")
    return text


def _gives_none(text: str) -> str | None:
    return None if "ada" in text else text


@pytest.mark.parametrize("rule", [_fails, _gives_none])
def test_a_rule_that_fails_drops_the_value_and_keeps_the_span(recording: Start, rule: Any) -> None:
    before = failures()
    spans = recording(rule)
    assert greet("ada", {"age": 36, "city": "London"}) == "hello ada"
    found = spans.named("greet")[0]
    assert orjson.loads(str(found.attributes["input.value"])) == {
        "name": FAILED,
        "customer": {"age": 36, "city": "London"},
    }
    assert found.attributes["output.value"] == f'"{FAILED}"'
    assert found.attributes["note"] == FAILED
    assert failures() > before


def test_the_programs_rules_come_on_top_of_the_defaults(recording: Start) -> None:
    spans = recording("ssn")
    greet(KEY, {"password": "hunter22", "ssn": "078-05-1120"})
    assert_nothing_leaked(spans, b"zzTopSecret", b"hunter22", b"078-05")
    assert Redactor([]).text(KEY) == REDACTED


def test_rules_do_not_touch_ids_times_and_what_names_the_code(recording: Start) -> None:
    spans = recording(re.compile("[0-9a-f]+"), "name")
    greet("x", {})
    found = spans.named("greet")
    assert len(found) == 0 or found[0].start_ns > 0
    (span,) = spans.all()
    assert span.attributes["tracelm.op.name"] == "greet"
    assert len(span.trace_id) == 32
    assert REDACTED not in str(span.attributes["tracelm.op.version"])


@pytest.mark.parametrize("rule", ["", "  ", 7, re.compile(b"x")])
def test_what_is_no_rule_is_refused_by_init(rule: Any, tmp_path: Path) -> None:
    with pytest.raises(tracelm.ConfigError, match="redact"):
        tracelm.init("test", home=tmp_path, redact=[rule])


def test_names_may_come_from_the_environment() -> None:
    assert Settings.from_env({"TRACELM_REDACT": "ssn, tax number"}, project="p").redact == ("ssn", "tax number")


def test_without_content_scores_keep_neither_explanation_nor_details(recording: Start) -> None:
    spans = recording(capture_content=False)

    @tracelm.op
    def judge(output: str) -> dict[str, Any]:
        return {"passed": False, "reason": f"a quote of {output}"}

    judge("the input")
    with tracelm.span("step") as step:
        tracelm.score(step, name="n", value="a label", explanation="the input")
    assert [score.get("gen_ai.evaluation.score.label") for score in spans.scores()] == ["false", "a label"]
    assert_nothing_leaked(spans, b"the input")
