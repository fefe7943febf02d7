"""A policy names what decides, and every decision names the policy."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

import tracelm
from tracelm.scorers import PII, BannedTerms, Contains, Not
from tracelm.testing import Spans

YAML = """
name: support
version: "2026-11"
guardrails:
  - scorer: PII
    action: replace
  - scorer: {PII: {entities: [CARD, IBAN]}}
    name: no cards
    on: input
    argument: question
    timeout_s: 0.5
    on_timeout: allow
  - scorer:
      BannedTerms:
        terms: [Acme]
        label: COMPETITOR
    action: replace
    replacement: I would rather not say.
    mode: shadow
  - scorer: {Not: {scorer: {scorer: {Contains: {phrases: [stupid]}}}}}
"""


def policy(**changes: Any) -> tracelm.Policy:
    rail = tracelm.Guardrail(PII(), **changes)
    return tracelm.Policy(name="support", version="1", guardrails=[rail])


def test_a_policy_is_read_from_yaml() -> None:
    read = tracelm.Policy.from_yaml(YAML)
    assert (read.name, read.version) == ("support", "2026-11")
    assert read.guardrails == (
        tracelm.Guardrail(PII(), action="replace"),
        tracelm.Guardrail(
            PII(entities=("CARD", "IBAN")),
            name="no cards",
            on="input",
            argument="question",
            timeout_s=0.5,
            on_timeout="allow",
        ),
        tracelm.Guardrail(
            BannedTerms(terms=("Acme",), label="COMPETITOR"),
            action="replace",
            replacement="I would rather not say.",
            mode="shadow",
        ),
        tracelm.Guardrail(Not(Contains(phrases=("stupid",)))),
    )


def test_a_policy_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(YAML, encoding="utf-8")
    assert tracelm.Policy.from_yaml(path) == tracelm.Policy.from_yaml(str(path)) == tracelm.Policy.from_yaml(YAML)
    with pytest.raises(tracelm.ConfigError, match="cannot be read"):
        tracelm.Policy.from_yaml(tmp_path / "none.yaml")


HEAD = 'name: a\nversion: "1"\nguardrails:\n'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name: a\n", "line 1: version is missing"),
        ("# nothing\n", "is empty"),
        ("- name: a\n", "line 1: a policy must be a mapping"),
        (HEAD + "  - scorer: PII\nrails: []\n", "line 5: a policy has no 'rails'"),
        (HEAD + "  - scorer: PII\n    actoin: block\n", "line 5: a guardrail has no 'actoin'"),
        (HEAD + "  - scorer: PII\n    action: delete\n", "line 4: action='delete' is not known"),
        (HEAD + "  - scorer: PII\n    action: block\n    action: warn\n", "line 6: 'action' stands here twice"),
        (HEAD + "  - scorer: Pii\n", "line 4: tracelm.scorers has no 'Pii'"),
        (HEAD + "  - scorer: os.system\n", "line 4: tracelm.scorers has no 'os.system'"),
        (HEAD + "  - scorer: {PII: {entity: [CARD]}}\n", "line 4: PII has no 'entity'"),
        (HEAD + "  - scorer: {PII: {entities: [NAME]}}\n", "line 4: entities="),
        (HEAD + "  - scorer: Contains\n", "line 4: .*phrases"),
        (HEAD + "  - action: block\n", "line 4: the guardrail has no scorer"),
        (
            HEAD + "  - scorer: PII\n    timeout_s: !!python/object/apply:os.getpid []\n",
            "line 5: .*is not read here|timeout_s",
        ),
        (HEAD + "  - scorer: PII\n    name: !shout x\n", "line 5: !shout is not read here"),
        (
            HEAD + "  - scorer: PII\n    action: fallback\n    fallback: short\n",
            "line 6: fallback 'short' is not among",
        ),
        (HEAD + "  - scorer: PII\n  - scorer: PII\n", "line 1: the policy has two guardrails 'pii'"),
        (HEAD + "  - scorer: [PII\n", "line 5"),
        (HEAD + "  scorer: PII\n", "line 4: guardrails must be a list"),
    ],
)
def test_a_mistake_in_yaml_is_named_with_its_line(text: str, why: str) -> None:
    with pytest.raises(tracelm.ConfigError, match=why):
        tracelm.Policy.from_yaml(text)


def test_a_fallback_in_yaml_is_a_name_that_the_program_gives() -> None:
    def short() -> str:
        return "No comment."

    text = HEAD + "  - scorer: PII\n    action: fallback\n    fallback: short\n"
    read = tracelm.Policy.from_yaml(text, fallbacks={"short": short})
    assert read.guardrails[0].fallback is short


def test_aliases_that_grow_without_end_are_bounded() -> None:
    bomb = "a: &a [x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(tracelm.ConfigError, match="a policy has no 'a'"):
        tracelm.Policy.from_yaml(bomb + HEAD)


def test_a_policy_cannot_be_changed_and_equals_its_like() -> None:
    assert policy() == policy()
    assert policy() != policy(action="replace")
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy().name = "other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_the_digest_changes_with_what_decides_and_only_then() -> None:
    assert policy().digest == policy().digest
    assert len(policy().digest) == 12
    changed = [
        policy(action="replace"),
        policy(mode="shadow"),
        policy(timeout_s=1),
        tracelm.Policy(name="support", version="1", guardrails=[tracelm.Guardrail(PII(entities=("CARD",)))]),
        tracelm.Policy(name="support", version="1", guardrails=[tracelm.Guardrail(Contains(phrases=("x",)))]),
    ]
    assert len({policy().digest, *(each.digest for each in changed)}) == 6
    renamed = tracelm.Policy(name="other", version="2", guardrails=policy().guardrails)
    assert renamed.digest == policy().digest


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"guardrails": []}, "takes guardrails"),
        ({"guardrails": [PII()]}, "takes guardrails"),
        ({"name": " "}, "name=' '"),
        ({"version": 3}, "version=3"),
    ],
)
def test_what_makes_no_policy_is_refused(given: dict[str, Any], why: str) -> None:
    fields: dict[str, Any] = {"name": "a", "version": "1", "guardrails": [tracelm.Guardrail(PII())]}
    with pytest.raises(tracelm.ConfigError, match=why):
        tracelm.Policy(**(fields | given))


def test_every_decision_names_the_policy_and_the_digest(spans: Spans) -> None:
    @tracelm.guard(policy(action="replace"))
    def answer() -> str:
        return "ana@example.com"

    assert answer() == "[EMAIL]"
    [decision] = spans.logs("tracelm.guardrail.decision")
    key = "tracelm.guardrail.policy."
    assert {name.removeprefix(key): value for name, value in decision.attributes.items() if name.startswith(key)} == {
        "name": "support",
        "version": "1",
        "digest": policy(action="replace").digest,
    }


def test_a_policy_stands_alone() -> None:
    with pytest.raises(tracelm.ConfigError, match="one policy"):
        tracelm.guard(policy(), tracelm.Guardrail(PII(), name="more"))
