"""What `Secrets` finds, and what it leaves alone. Every key here is made up."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelm.scorers import Secrets
from tracelm.trace.forms import REDACTED, Forms


def found(text: str) -> list[tuple[str, str]]:
    """Return type and text of each finding."""
    spans = Secrets().score(output=text).details.get("spans", [])
    return [(each["type"], text[each["start"] : each["end"]]) for each in spans]


def drawn(prefix: str, size: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Draw a key; the same one in each run."""
    return prefix + "".join(random.Random(prefix).choices(alphabet, k=size))


KEYS = {
    "openai": drawn("sk-proj-", 40),
    "anthropic": drawn("sk-ant-api03-", 60),
    "stripe": drawn("sk_live_", 24),
    "groq": drawn("gsk_", 40),
    "hugging face": drawn("hf_", 34),
    "github": drawn("ghp_", 36),
    "gitlab": drawn("glpat-", 20),
    "slack": drawn("xoxb-", 40),
    "google": drawn("AIza", 35),
    "aws": drawn("AKIA", 16, string.ascii_uppercase + "234567"),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("around", ["{}", "Use {} for now", "key={}", '"{}"', "({}),"])
def test_a_key_is_found_by_its_form(key: str, around: str) -> None:
    assert [value for _, value in found(around.format(key))] == [key]


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("gap", [" ", "\n", "\r\n  "])
def test_a_key_in_parts_is_found(key: str, gap: str) -> None:
    parts = [key[:9], key[9:15], key[15:]]
    text = f"It is {gap.join(parts)}."
    assert [kind for kind, _ in found(text)] == ["API_KEY"]
    assert "".join(found(text)[0][1].split()).startswith(key[:9])


def test_a_key_that_is_spelled_out_is_found() -> None:
    text = "It is " + " ".join(KEYS["github"])
    assert found(text) == [("API_KEY", " ".join(KEYS["github"]))]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("postgres://app:hunter2@db/main", "SECRET", "hunter2"),
        ("Authorization: Bearer abcdefghijklmnop1", "BEARER_TOKEN", "Bearer abcdefghijklmnop1"),
        ("my password is hunter2-Kf", "SECRET", "hunter2-Kf"),
        ('api_key = "9f8a7b6c5d4e3f2a1b0c"', "SECRET", "9f8a7b6c5d4e3f2a1b0c"),
        ("DB_PASSWORD=k9$Tz!pQ", "SECRET", "k9$Tz!pQ"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "PRIVATE_KEY", None),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "JWT", None),
    ],
)
def test_a_secret_behind_a_telling_word_is_found(text: str, kind: str, value: str | None) -> None:
    assert found(text) == [(kind, text if value is None else value)]


@pytest.mark.parametrize(
    "text",
    [
        "Password: must be at least 8 characters",
        "The secret of a good cake is butter; the key is patience.",
        "We use token-based authentication and OAuth2.",
        "Reset your password at https://example.com/reset1",
        "The password was changed on 2024-05-06",
        "api_key=os.environ['OPENAI_API_KEY']",
        "api_key: ${API_KEY_1}, password: <your-password-1>, token: {{ token1 }}",
        "password: ********, token: xxxxxxxx, secret: [redacted], api_key=[API_KEY]",
        "max_tokens: 4096, token: 12, the token limit is 128,000",
        "We use basic authentication; the class Basic RetryHandler; Authorization: Bearer [your token]",
        "sk-learn is a nice library for machine learning",
        "Ask AKIA IS A COMPANY about it",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ],
)
def test_what_only_talks_of_secrets_is_left_alone(text: str) -> None:
    assert found(text) == []


@given(st.lists(st.sampled_from([*KEYS.values(), "password=", "secret: ", '"', "Bearer ", "x1y2z3w4", " ", "\n", "a"])))
def test_what_is_found_by_form_is_what_redaction_takes_out(parts: list[str]) -> None:
    text = "".join(parts)
    spans = sorted(Forms().find(text))
    kept, done = "", 0
    for start, end in spans:
        assert 0 <= start < end <= len(text)
        kept, done = kept + text[done : max(start, done)], max(done, end)
    kept += text[done:]
    redacted = Forms().redact(text)
    assert (redacted == text) == (not spans)
    assert all(key not in kept for key in KEYS.values() if key not in redacted), redacted.count(REDACTED)
