"""`tracelm guard audit` and `tracelm guard replay`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tracelm
from tracelm.cli.main import app
from tracelm.scorers import PII, BannedTerms

POLICY = """
name: support
version: "2"
guardrails:
  - scorer: {BannedTerms: {terms: [Acme]}}
  - scorer: {PII: {entities: [CARD]}}
    on: input
"""


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output
    return "\n".join(line.rstrip() for line in result.output.strip("\n").splitlines())


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return str(path)


@pytest.fixture
def traffic() -> list[str]:
    """Calls under a policy that masks e-mails and only looks at competitors; return their traces."""
    tracelm.init("support")
    old = tracelm.Policy(
        name="support",
        version="1",
        guardrails=[
            tracelm.Guardrail(PII(entities=("EMAIL",)), action="replace"),
            tracelm.Guardrail(BannedTerms(terms=("Beta",)), mode="shadow"),
        ],
    )
    traces: list[str] = []

    @tracelm.guard(old)
    @tracelm.op(name="reply")
    def reply(question: str) -> str:
        traces.append(tracelm.current_span().trace_id)
        return question

    @tracelm.op(name="other")
    def other(question: str) -> str:
        return "Acme"

    for number in range(20):
        reply("Try Acme." if number < 4 else "All is well.")
    reply("Write to ana@example.com about Acme.")
    reply("My card is 4111 1111 1111 1111.")
    other("nothing")
    tracelm.flush()
    return traces


def test_an_audit_lists_decisions_with_places_and_without_texts(traffic: list[str]) -> None:
    out = run("guard", "audit", "--taken", "replace")
    assert "EMAIL 9–24" in out
    assert "support 1" in out
    assert traffic[20][:12] in out
    assert "ana@" not in out


def test_an_audit_for_machines_can_be_narrowed(traffic: list[str]) -> None:
    found = json.loads(run("guard", "audit", "--guardrail", "pii", "--since", "1h", "--limit", "100", "--json"))
    assert len(found) == 22
    [masked] = [each for each in found if each["taken"] == "replace"]
    assert masked["spans"] == [{"start": 9, "end": 24, "type": "EMAIL"}]
    assert (masked["policy"], masked["policy_version"], masked["side"]) == ("support", "1", "output")
    assert json.loads(run("guard", "audit", "--outcome", "failed_open", "--json")) == []
    assert len(json.loads(run("guard", "audit", "--outcome", "shadow", "--json"))) == 22
    assert "no decision" in run("guard", "audit", "--policy", "none")


def test_a_replay_says_what_would_differ(traffic: list[str], policy: str) -> None:
    found = json.loads(run("guard", "replay", "--policy", policy, "--since", "7d", "--json"))
    terms, cards, together = found["guardrails"]
    assert found["policy"]["version"] == "2"
    # One output was rewritten when it was made: what it was is not known.
    assert (terms["judged"], terms["refused"], terms["newly"], terms["withheld"]) == (21, 4, 4, 1)
    assert (cards["judged"], cards["refused"], cards["withheld"]) == (22, 1, 0)
    assert (together["judged"], together["refused"], together["newly"]) == (22, 5, 5)
    assert terms["examples"] == traffic[:4]
    assert together["per_10000"]["value"] == pytest.approx(10_000 * 5 / 22)
    assert together["per_10000"]["low"] < 10_000 * 5 / 22 < together["per_10000"]["high"]
    text = run("guard", "replay", "--policy", policy)
    assert "of 1 calls the output was stopped or rewritten" in text


def test_a_replay_may_take_other_ops(traffic: list[str], policy: str) -> None:
    terms, _, _ = json.loads(run("guard", "replay", "--policy", policy, "--op", "other", "--json"))["guardrails"]
    assert (terms["judged"], terms["refused"]) == (1, 1)


def test_where_people_said_what_is_acceptable_the_errors_are_told(traffic: list[str], policy: str) -> None:
    for number, trace in enumerate(traffic):
        tracelm.score(trace, name="acceptable", value=number not in {0, 1, 5}, author="ada")
    found = json.loads(run("guard", "replay", "--policy", policy, "--label", "acceptable", "--json"))
    together = found["guardrails"][-1]
    assert (together["unacceptable"], together["caught"]) == (3, 2)
    assert (together["acceptable"], together["wrongly_refused"]) == (19, 3)


@pytest.mark.parametrize(
    ("condition", "code", "answer"),
    [
        (("--max-blocks", "9000"), 0, "passed"),
        (("--max-blocks", "100"), 1, "failed"),
        (("--max-blocks", "2500"), 3, "underpowered"),
        (("--max-wrong", "0.1"), 3, "underpowered"),
        (("--min-caught", "0.9"), 3, "underpowered"),
    ],
)
def test_a_replay_is_a_gate(
    traffic: list[str], policy: str, condition: tuple[str, str], code: int, answer: str
) -> None:
    out = json.loads(run("guard", "replay", "--policy", policy, *condition, "--json", code=code))
    assert [each["answer"] for each in out["conditions"]] == [answer]
    assert f"{answer}: " in run("guard", "replay", "--policy", policy, *condition, code=code)


def test_a_policy_that_cannot_be_read_is_an_error_of_the_gate(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("name: a\n", encoding="utf-8")
    assert "line 1" in run("guard", "replay", "--policy", str(path), code=2)


def test_a_replay_records_nothing(traffic: list[str], policy: str) -> None:
    before = json.loads(run("guard", "audit", "--limit", "1000", "--json"))
    run("guard", "replay", "--policy", policy)
    assert json.loads(run("guard", "audit", "--limit", "1000", "--json")) == before


def test_streams_are_judged_whole(policy: str) -> None:
    tracelm.init("support")

    @tracelm.guard(tracelm.Guardrail(PII(), mode="shadow"))
    @tracelm.op(name="stream")
    def stream(question: str) -> Iterator[str]:
        yield from ["Try Ac", "me."]

    assert "".join(stream("why?")) == "Try Acme."
    tracelm.flush()
    terms, _, _ = json.loads(run("guard", "replay", "--policy", policy, "--json"))["guardrails"]
    assert (terms["judged"], terms["refused"]) == (1, 1)
