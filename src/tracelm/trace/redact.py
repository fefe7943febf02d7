"""Secrets never reach disk or network: what counts as one, and how it is taken out.

Finding comes first and is cheap: one pass of a linear-time engine (google-re2) over the encoded bytes. Only where it
hits is the text taken apart, and then by structure: a value under a telling name goes whole, a key or a password
inside other text goes by its form.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

if TYPE_CHECKING:
    import re2

REDACTED: Final = "[redacted]"

_NAMES: Final = (
    "apikey",
    "authorization",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "secretkey",
    "token",
    "cookie",
    "privatekey",
    "accesskey",
    "credential",
    "credentials",
)
"""A name is secret when it ends so, written without `_`, `-`, dots, spaces and capitals."""

_FORMS: Final = (
    r"\bsk-[A-Za-z0-9_\-]{16,}",  # OpenAI, Anthropic, OpenRouter, DeepSeek
    r"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    r"\bgsk_[A-Za-z0-9]{20,}",  # Groq
    r"\bxai-[A-Za-z0-9]{20,}",
    r"\bhf_[A-Za-z0-9]{20,}",  # Hugging Face
    r"\bgh[pousr]_[A-Za-z0-9]{30,}",
    r"\bgithub_pat_[A-Za-z0-9_]{30,}",
    r"\bglpat-[A-Za-z0-9_\-]{16,}",
    r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,}",  # Slack
    r"\bAIza[A-Za-z0-9_\-]{30,}",  # Google
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",  # AWS
    r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*",  # JSON web token
    r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]{0,20}PRIVATE KEY-----|\z)",
    r"(?i:\b(?:bearer|basic)) +[A-Za-z0-9._~+/\-]{12,}=*",
    # The password of a connection string, scheme://user:PASSWORD@host. Without the scheme: a counted run of letters
    # and digits in front would give the engine a new state for every random id that it passes.
    r"://[^\s:/@\"\\]{0,64}:[^\s/@\"\\]{1,128}@",
)

_NAME_BEFORE_QUOTE: Final = (
    r"(?i:api[_\-. ]?key|authorization|passw(?:or)?d|passphrase|secret(?:[_\-. ]?key)?|token|cookie"
    r"|(?:private|access)[_\-. ]?key|credentials?)\\*\""
)
"""`_NAMES` in encoded bytes: before a quote, which is escaped once or more where JSON holds JSON."""

_squeeze: Final = str.maketrans("", "", "_-. ")
_connection: Final = re.compile(r"^(://[^:]*:)[^@]+@$")


def may_hold_secret(data: bytes) -> bool:
    """Say whether encoded JSON needs a closer look. May be wrong on the safe side only."""
    return _telling().search(data) is not None


def is_secret_name(name: str) -> bool:
    """Say whether a value under this name is a secret, whatever it looks like."""
    return name.translate(_squeeze).lower().endswith(_NAMES)


def redact_text(text: str) -> str:
    """Take every secret out of `text` that its form gives away."""
    # A lone surrogate can neither be searched nor be written.
    return _form().sub(_replacement, text.encode("utf-8", "replace").decode())


def redact(value: Any, *, name: str = "") -> Any:
    """Take the secrets out of a JSON value; JSON inside of strings is opened and looked at too.

    Args:
        value: Anything that `orjson.loads` can return.
        name: The name that the value stands under.
    """
    if value is None or isinstance(value, bool):
        return value
    if name and is_secret_name(name):
        return REDACTED
    if isinstance(value, str):
        return _redact_string(value)
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value)
        if set(fields) == {"key", "value"} and isinstance(fields["key"], str):  # an attribute of OTLP/JSON
            return {"key": fields["key"], "value": _redact_any_value(fields["value"], fields["key"])}
        return {redact_text(key): redact(each, name=key) for key, each in fields.items()}
    if isinstance(value, list):
        return [redact(each) for each in cast("list[Any]", value)]
    return value


def redact_line(line: bytes) -> bytes:
    """Take the secrets out of one line of the journal."""
    return orjson.dumps(redact(orjson.loads(line)))


@cache
def _form() -> "re2.Pattern[str]":
    import re2  # when the first value is recorded, not at `import tracelm`

    # Behind a line break that was escaped, as in a `repr`, a key stands next to a letter.
    return re2.compile("|".join(f"(?:{form})" for form in _FORMS).replace(r"\b", r"(?:\b|\\[nrt])"))


@cache
def _telling() -> "re2.Pattern[bytes]":
    import re2

    # In encoded bytes a line break before a key reads `\\n`, a letter: word boundaries say nothing there.
    forms = "|".join(f"(?:{form})" for form in _FORMS).replace(r"\b", "")
    return re2.compile(f"{forms}|{_NAME_BEFORE_QUOTE}".encode())


def _redact_any_value(value: Any, name: str) -> Any:
    if not is_secret_name(name):
        return redact(value)
    return {"stringValue": REDACTED} if isinstance(value, Mapping) else REDACTED


def _redact_string(text: str) -> str:
    if text[:1] in {"{", "["}:
        try:
            inner = orjson.loads(text)
        except orjson.JSONDecodeError:
            return redact_text(text)
        return orjson.dumps(redact(inner)).decode()
    return redact_text(text)


def _replacement(match: Any) -> str:
    found: str = match.group()
    connection = _connection.match(found)
    return f"{connection[1]}{REDACTED}@" if connection else REDACTED
