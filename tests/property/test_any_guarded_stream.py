"""However a text is cut into chunks: what a guarded stream lets go is the redaction of the whole, and never more."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracelm
from tracelm.guards.mask import Span, mask, spans_of
from tracelm.scorers import PII, AllowedUrls, BannedTerms, Secrets
from tracelm.scoring.scorer import Scorer

SECRETS = (
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "5500005555555559",
    "3782 822463 10005",
    "4111\n1111 1111 1111",
    "4\u200b1\u200b1\u200b1 1111 1111 1111",
    "４１１１ 1111 1111 1111",
    "ana@example.com",
    "a.very.long.name.indeed+tag@mail.example.co.uk",
    "+1 212 555 0187",
    "(212) 555-0187 ext. 12",
    "phone: 030 123 4567",
    "020 7946 0018 (mobile)",
    "GB82 WEST 1234 5698 7654 32",
    "DE89370400440532013000",
    "078-05-1120",
    "social security number is 078051120",
    "born on March 12, 1990",
    "date of birth: 12 March 1990",
    "192.168.17.4",
    "2001:db8:85a3::8a2e:370:7334",
    "RSSMRA85T10A562S",
    "cpf 123.456.789-09",
    "sk-abcdefghijklmnop1234",
    "s k - a b c d e f g h 1 2 3 4 5 6 7 8",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "password: hunter2!x9",
    'api_key = "a1b2 c3d4 e5f6"',
    "Bearer abcdef0123456789abcdef",
    "postgres://ana:s3cr3t!pw@db.example.com/x",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghijk",
    "AKIAIOSFODNN7EXAMPLE",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIabc def\nxyz\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n" * 30 + "-----END PRIVATE KEY-----",
    "Acme Corp",
    "A c m e  C o r p",
    "Асme-Corp",
    "https://evil.test/a?b=c",
    "www.evil.test",
)
GLUE = (" ", ", ", ". ", "\n", "\n\n", " (", ") ", ": ", "", "-", "'s ", " of ", " and ", "  ")
WORDS = (
    *(
        "the",
        "quick",
        "Order",
        "May",
        "12",
        "3.50",
        "2024",
        "page 7",
        "was born",
        "in March",
        "key",
        "sk",
        "s k",
        "basic",
    ),
    *("call me at", "a@", "@", "+", "(", "1 2 3", "4111", "世界你好", "été", "🙂", "x" * 40, "http://", "token", "ok"),
)
texts = st.lists(
    st.tuples(st.sampled_from(SECRETS) | st.sampled_from(WORDS) | st.text(max_size=4), st.sampled_from(GLUE)),
    max_size=14,
).map(lambda parts: "".join(text + glue for text, glue in parts))
SCORERS: list[Scorer] = [
    PII(),
    Secrets(),
    BannedTerms(terms=("Acme Corp",), label="RIVAL"),
    AllowedUrls(domains=("example.com",)),
]


@st.composite
def chunked(draw: st.DrawFn) -> tuple[str, list[str]]:
    text = draw(texts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=40)))
    if draw(st.booleans()):
        return text, list(text)
    return text, [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def redacted(scorer: Scorer, text: str) -> str:
    return mask(text, sorted(spans_of(scorer.score(output=text))))


def released(scorer: Scorer, chunks: list[str]) -> list[str]:
    @tracelm.guard(tracelm.Guardrail(scorer, action="replace"))
    def stream() -> Iterator[str]:
        yield from chunks

    return list(stream())


@pytest.mark.parametrize("scorer", SCORERS, ids=lambda each: each.name)
@settings(max_examples=400, deadline=None)
@given(case=chunked())
def test_what_is_released_is_the_redaction_of_the_whole(scorer: Scorer, case: tuple[str, list[str]]) -> None:
    text, chunks = case
    assert "".join(released(scorer, chunks)) == redacted(scorer, text)


@pytest.mark.parametrize("scorer", SCORERS, ids=lambda each: each.name)
@settings(max_examples=100, deadline=None)
@given(case=chunked())
def test_no_released_beginning_holds_a_part_of_what_is_found(scorer: Scorer, case: tuple[str, list[str]]) -> None:
    text, chunks = case
    spans: list[Span] = sorted(spans_of(scorer.score(output=text)))
    whole = mask(text, spans)
    so_far = ""
    for piece in released(scorer, chunks):
        so_far += piece
        assert whole.startswith(so_far)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("scorer", SCORERS, ids=lambda each: each.name)
def test_a_secret_may_be_cut_at_every_place(scorer: Scorer, secret: str) -> None:
    text = f"We said: {secret} and then no more."
    for place in range(len(text) + 1):
        assert "".join(released(scorer, [text[:place], text[place:]])) == redacted(scorer, text)
    assert "".join(released(scorer, list(text))) == redacted(scorer, text)
