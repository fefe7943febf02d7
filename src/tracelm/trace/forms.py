"""What a secret looks like: the names it stands under, and the forms that give it away.

All patterns are written for google-re2. The same words serve three times: for the name of a field, for `name=value`
inside of text, and for the one quick look over encoded bytes, which may be wrong on the safe side only.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from tracelm.trace.look import first_look

if TYPE_CHECKING:
    import re2

REDACTED: Final = "[redacted]"

_GAP: Final = r"[_\-. ]?"
_OWNERS: Final = (
    "private|access|encryption|signing|master|account|storage|ssh|openai|anthropic|groq|gemini|google|azure|aws|"
    "mistral|cohere|deepseek|openrouter|huggingface|hf|stripe|github|gitlab|slack|twilio|sendgrid"
)
_WORDS: Final = (
    rf"(?:api{_GAP}key|authori[sz]ation|pass{_GAP}(?:word|wd|phrase)|pwd|cookie|credential"
    rf"|secret(?:{_GAP}(?:access{_GAP})?key)?|(?:{_OWNERS}){_GAP}key)s?|token"
)
"""Not `tokens`: those are counted."""
_AFTER: Final = rf"(?:{_GAP}(?:value|hash|old|new|prod|live|test|dev|openai|anthropic|[0-9]{{1,3}}))?"
_SHORT: Final = "auth|pass"
"""Words that are secret as a whole name, or behind a `_`: `oauth` and `bypass` are something else."""

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
    # What lets whoever has an address in: of Azure, Amazon and Google.
    r"(?:[?&]|&amp;|\\u0026)(?i:sig|(?:x-(?:amz|goog)-)?signature|x-amz-security-token)=[A-Za-z0-9%+/=_~.\-]{8,}",
    # The password of a connection string, scheme://user:PASSWORD@host, up to the last @ before the host's end.
    # Without the scheme: a counted run of letters and digits in front would give the engine a new state for every
    # random id that it passes.
    r"://[^\s:/@\"]{0,64}:[^\s/\"]{1,128}@",
    # The same with a slash in the password; what is a number before the slash is a port.
    r"://[^\s:/@\"]{0,64}:[^\s/\"]{0,64}[^\s/\"0-9][^\s/\"]{0,64}/[^\s/@\"]{1,128}@",
)
_connection: Final = re.compile(r"^(://[^:]*:)[^\n]+@$")
_signature: Final = re.compile(r"^(?:[?&]|\\u0026)[^=]+=")

_QUOTED: Final = r"""b?\\+"[^"\\]*|b?\\+'[^'\\]*|b?"(?:[^"\\]|\\.)*"?|b?'(?:[^'\\]|\\.)*'?"""
_VALUE: Final = rf"""(?:{_QUOTED}|[\[({{][^\])}}\n]*[\])}}]?[^\s"',;&)}}\]]*|[^\s"',;&)}}\]]+)"""
_SEPARATOR: Final = (
    r"""[_\-. ]{0,4}\\*["']?[ \t]{0,4}(?::|=)[:=>]{0,2}[ \t]{0,4}"""
    r"""|\\*["'][ ]?,[ ]?\\*["']values?\\*["'][ ]?:[ ]?"""
    r"""|\\*["'][ ]?,[ ]?"""
)
_HEADER: Final = r"""(?i:authorization|cookie)[ \t]*:[ \t]*[^\s"'\\][^\r\n"'\\]*"""
_MAX_NESTED: Final = 5
_ABSENT: Final = frozenset({"true", "false", "none", "null", "undefined", "..."})


class Forms:
    """The patterns, with further names.

    Args:
        names: What else is secret as a name or behind a `_`, in any spelling: `"ssn"`, `"date of birth"`.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        import re2  # when the first runtime starts, not at `import tracelm`

        words = _WORDS
        short = "|".join([_SHORT, *(_spelled(name) for name in names)])
        behind_hump = "|".join(["Auth", *(_spelled(name, hump=True) for name in names)])
        whole = rf"(?i:(?:{words}){_AFTER}|(?:^|[^A-Za-z0-9])(?:{short}))|[a-z0-9](?:{behind_hump})"
        # The field of a mapping may be a tuple or bytes: what Python writes around them counts for nothing.
        self._name = re2.compile(rf"(?:{whole})[^A-Za-z0-9]*$")
        self.is_secret_name = lru_cache(maxsize=4096)(self._is_secret_name)
        # Behind a line break that was escaped, as in a `repr`, a key stands next to a letter.
        plain = "|".join(f"(?:{form})" for form in _FORMS)
        self._form = re2.compile(plain.replace(r"\b", r"(?:\b|\\[nrt])"))
        given = "|".join(rf"\b(?:{_spelled(name)})" for name in names) or r"\b\B"
        self._pair = re2.compile(rf"(?P<name>(?i:(?:{words}){_AFTER}|{given}))(?P<sep>{_SEPARATOR})(?P<value>{_VALUE})")
        self._header = re2.compile(_HEADER)
        # In encoded bytes a line break before a key reads `\\n`, a letter: word boundaries say nothing there.
        # What white space is, the two engines see differently: it is spelled out.
        look = plain.replace(r"\b", "").replace(r"\s", r"\t\n\f\r ")
        ends = r"""[^A-Za-z0-9"':=]{0,4}\\*["':=]"""
        names_in_bytes = rf"(?i:{words}|[^A-Za-z0-9](?:{short})|{behind_hump}){_AFTER}{ends}"
        telling = rf'{look}|(?i){names_in_bytes}|"type":"blob"|"data:(?:image|audio|video)/'
        # A set answers with yes or no alone, in half the time of a match with its place.
        closer = re2.Set.SearchSet()
        closer.Add(telling.encode())
        closer.Compile()
        self.may_hold: Callable[[bytes], object] = first_look(telling, closer.Match)
        """Says whether encoded JSON needs a closer look: a secret, an image or a sound may be in it."""

    def redact(self, text: str) -> str:
        """Take every secret out of `text` that its form, or the name before it, gives away."""
        # A lone surrogate can neither be searched nor be written.
        data = text.encode("utf-8", "replace")
        text = data.decode()
        if not self.may_hold(b'"%b"' % data):
            return text
        text = self._form.sub(_form_replaced, text)
        return self._pairs_redacted(self._header.sub(_header_replaced, text), 0)

    def find(self, text: str) -> list[tuple[int, int]]:
        """Return where the secrets stand that `redact` takes out of `text`; they may overlap.

        Args:
            text: Without lone surrogates.
        """
        found = [_secret_span(match) for match in self._form.finditer(text)]
        text = _covered(text, found)  # as `redact` does: each step looks at what the one before has left
        headers = [_header_span(match) for match in self._header.finditer(text)]
        return [*found, *headers, *self._values(_covered(text, headers), 0, 0)]

    def _values(self, text: str, offset: int, depth: int) -> Iterator[tuple[int, int]]:
        for match in self._pair.finditer(text):
            name, separator, value = (match.group(part) for part in ("name", "sep", "value"))
            start = offset + match.start() + len(name) + len(separator)
            if _is_value(match, name, separator, value) or depth >= _MAX_NESTED:
                quotes = re.match(r"""b?\\*["']?""", value)
                opened = quotes.end() if quotes else 0
                closed = len(value) - (len(value) > opened + 1 and value[-1] in "\"'")
                yield start + opened, start + closed
            else:
                yield from self._values(value, start, depth + 1)

    def _is_secret_name(self, name: str) -> bool:
        if name.lower() == "tiktoken":  # a package, as it stands in lists of what is installed
            return False
        return self._name.search(name.encode("utf-8", "replace").decode()) is not None

    def _pairs_redacted(self, text: str, depth: int) -> str:
        return self._pair.sub(lambda match: self._pair_replaced(match, depth), text)

    def _pair_replaced(self, match: "re2.Match[str]", depth: int) -> str:
        name, separator, value = (match.group(part) for part in ("name", "sep", "value"))
        kept = name + separator
        # What is declined may still hold a secret inside; written to be nested without end, it goes whole.
        if not _is_value(match, name, separator, value) and depth < _MAX_NESTED:
            return kept + self._pairs_redacted(value, depth + 1)
        opening = re.match(r"""b?\\*["']""", value)
        if opening is None:
            return kept + REDACTED
        quote = opening[0]
        closing = quote[-1] if "\\" not in quote and len(value) > len(quote) and value.endswith(quote[-1]) else ""
        return kept + quote + REDACTED + closing


def _covered(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return a text of the same length in which spans read as redacted."""
    parts: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if end <= done:
            continue
        parts += (text[done:start], REDACTED.ljust(end - start, REDACTED[-1])[: end - max(start, done)])
        done = end
    return "".join((*parts, text[done:]))


def _is_value(match: "re2.Match[str]", name: str, separator: str, value: str) -> bool:
    """Say whether what stands behind a telling name is its value, and no prose."""
    bare = value.lstrip("b\\\"'").rstrip("\"'\\")
    if not bare or bare.lower() in _ABSENT or bare.lstrip().startswith(REDACTED[:-1]):
        return False
    text = match.string
    if name.lower() == "token" and text[max(match.start() - 3, 0) : match.start()].lower() == "tik":
        return False
    if "," in separator and ":" not in separator:  # ("password", "x"), and no longer list of words
        before, after = text[: match.start()].rstrip("\\"), text[match.end() :].lstrip("\\")
        opened = before[-1:] in {'"', "'"} and before[:-1].rstrip("\\b")[-1:] in {"[", "("}
        return opened and value[:1] in {'"', "'", "\\", "b"} and after.lstrip("\"'")[:1] in {")", "]"}
    quoted = value[:1] in {'"', "'", "\\", "[", "(", "{"} or value[:2] in {'b"', "b'"}
    if quoted or "=" in separator:
        return True
    # "the token: a word" is prose; "X-Auth-Token: a word" is a header.
    word = name.lower().rstrip("s")
    if word == "cookie":
        return "=" in value
    if word not in {"token", "secret", "credential"} or text[max(match.start() - 1, 0) : match.start()] in {"_", "-"}:
        return True
    return len(bare) >= 6 and any(each.isdigit() for each in bare)


def _spelled(name: str, *, hump: bool = False) -> str:
    parts = [each for each in re.split(r"[_\-. ]+|(?<=[a-z0-9])(?=[A-Z])", name.strip()) if each]
    if hump:
        return "".join(re.escape(each[:1].upper() + each[1:].lower()) for each in parts)
    return _GAP.join(re.escape(each) for each in parts)


def _secret_in(found: str) -> tuple[int, int]:
    """Return where in what a form has found the secret itself stands."""
    connection = _connection.match(found)
    if connection is not None:
        return connection.end(1), len(found) - 1
    signature = _signature.match(found)
    return 0 if signature is None else signature.end(), len(found)


def _secret_span(match: "re2.Match[str]") -> tuple[int, int]:
    start, end = _secret_in(match.group())
    return match.start() + start, match.start() + end


def _header_span(match: "re2.Match[str]") -> tuple[int, int]:
    return match.end() - len(match.group().partition(":")[2].lstrip()), match.end()


def _form_replaced(match: "re2.Match[str]") -> str:
    found = match.group()
    start, end = _secret_in(found)
    return f"{found[:start]}{REDACTED}{found[end:]}"


def _header_replaced(match: "re2.Match[str]") -> str:
    found = match.group()
    name, _, value = found.partition(":")
    if value.strip() == REDACTED:
        return found
    if name.strip().lower() == "cookie" and "=" not in value:
        return found
    return f"{name}: {REDACTED}"
