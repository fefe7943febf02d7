"""The scorer that finds keys, tokens and passwords."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Final

from tracelm.scorers.detector import Detector, Found, apart
from tracelm.scorers.folding import Span, fold
from tracelm.scorers.searched_text import searched_text
from tracelm.scoring.score import Score

if TYPE_CHECKING:
    import re2

    from tracelm.trace.forms import Forms

_PREFIXES: Final = (
    *("sk-", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "gsk_", "xai-", "hf_", "ghp_", "gho_", "ghu_", "ghs_"),
    *("ghr_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-", "xoxs-", "AIza", "AKIA", "ASIA"),
)
"""How keys begin that may have been pulled apart by blanks."""
_KINDS: Final = (
    ("-----BEGIN", "PRIVATE_KEY"),
    ("eyJ", "JWT"),
    ("bearer ", "BEARER_TOKEN"),
    ("basic ", "BEARER_TOKEN"),
    *((prefix, "API_KEY") for prefix in (*_PREFIXES, "pk_")),
)
_told: Final = (
    r"(?i:\b(?:pass(?:word|phrase|code)|pwd|secret(?: key)?|(?:api|access|private|signing|encryption)[ _-]?key|token"
    r"|credentials?))(?i: is| was)?[ ]?[:= ][ ]*[\"'`]?([^\s\"'`]{6,256})"
)
_MASKED: Final = re.compile(
    r"\[[A-Za-z_.: -]{3,40}\]?|[*•xX.…_#-]+|<[^<>]{1,60}>|\$\{?[\w.]+\}?|\{\{?[^{}]*\}?\}?|%\w+%"
)
"""What stands where a secret would: a mask, a placeholder, a variable."""
_WORDY: Final = re.compile(
    r"(?:[A-Za-z]{1,3}|[A-Z]?[a-z]+)(?:[-_'’.,:;!?/()]+(?:[A-Za-z]{1,3}|[A-Z]?[a-z]+)?)*[-_.,:;!?)/]*"
)
_CODE: Final = re.compile(r"[A-Za-z_][\w.]*[\[(]|\w{1,12}://|[<{$%\[(]")
"""Calls, subscripts, addresses, and templates."""
_CAMEL: Final = re.compile(r"(?:[A-Z]?[a-z]{2,})+|")
_END: Final = ".,;:)]}>\"'`"
_WINDOW: Final = 512
_MOST_CHARS: Final = 400
"""The longest key that is put together again."""


@dataclass(frozen=True, kw_only=True)
class Secrets(Detector):
    """True when the output holds no key, token or password that its form, or the word before it, gives away.

    Known by their form are keys of model providers and of GitHub, GitLab, Slack, Stripe, Google and AWS, JSON web
    tokens, bearer and basic credentials, private keys, and passwords in connection strings: the forms that are
    taken out of traces. A value behind a word such as "password" or "api_key" counts when it looks drawn by lot:
    letters mixed with digits or signs, enough bits of entropy, and no placeholder. Keys are also found when blanks,
    line breaks or characters without a width pull them apart.

    `details["spans"]` says where, as `{"start", "end", "type"}`; neither it nor the explanation repeats a secret.

    Example:
        >>> Secrets().score(output="Use sk-abcdefghijklmnop1234 for now").details["spans"]
        [{'start': 4, 'end': 27, 'type': 'API_KEY'}]
        >>> Secrets().score(output="Never write your password down.").passed
        True
    """

    MAX_CHARS: ClassVar[int] = 2_000_000
    revision: ClassVar[int] = 1
    """Raised when the same text is judged differently: part of the scorer's version."""

    @property
    def window(self) -> int:
        """A key that blanks pull apart, or a value in quotes."""
        return _WINDOW

    def settled(self, text: str) -> int:
        """All but the beginning of a key, or of what stands behind a telling name, at the end of `text`."""
        begins, ends_in = _beginnings()
        begun = begins.search(text, max(len(text) - _WINDOW, 0))
        partly = ends_in.search(text, max(len(text) - _WINDOW, 0))
        places = [match.start() for match in (begun, partly) if match is not None]
        return min(places, default=len(text))

    def score(self, *, output: object) -> Score:
        """Look through `output`; a value that is not a str is searched in its JSON text."""
        text = searched_text(output)
        folded = fold(text[: self.MAX_CHARS])
        plain = folded.text
        found = [Found(start, end, _kind(plain[start:end])) for start, end in _secrets(plain)]
        return self.verdict(text, [Found(*folded.span(each.start, each.end), each.type) for each in apart(found)])


def _secrets(text: str) -> Iterator[Span]:
    forms = _forms()
    if forms.may_hold(b'"%b"' % text.encode()):
        for start, end in forms.find(text):
            secret = text[start:end]
            is_connection = text[start - 1 : start] == ":" and text[end : end + 1] == "@"
            kind = _kind(secret)
            if kind == "BEARER_TOKEN":  # "basic authentication" and "Bearer [your token]" are none
                is_secret = not _CAMEL.fullmatch(secret.split()[-1].strip("[]<>{}.,;"))
            elif is_connection or kind != "SECRET":
                is_secret = not _is_masked(secret)
            else:
                is_secret = is_drawn_by_lot(secret)
            if is_secret:
                yield start, end
    told, spaced = _patterns()
    for match in told.finditer(text):
        start, end = match.span(1)
        while end > start and text[end - 1] in _END:
            end -= 1
        if is_drawn_by_lot(text[start:end]):
            yield start, end
    done = 0
    for match in spaced.finditer(text):
        start, end = match.span(1)
        if start >= done:
            done, is_key = _pulled_apart(text, start, end)
            if is_key:
                yield start, done


def _pulled_apart(text: str, start: int, end: int) -> tuple[int, bool]:
    """Put together what stands in parts behind the beginning of a key.

    Returns:
        Where the parts end, and whether they are a key.
    """
    joined = "".join(text[start:end].split())
    is_spelled = end - start > len(joined)
    most = 20 if joined in _CAPITALS else _MOST_CHARS
    while len(joined) < most:
        part = _part.match(text, end)
        if part is None:
            break
        word = part[2]
        goes_on = not is_spelled and _is_random(word, capitals=joined[:4] in _CAPITALS)
        if part[1] and len(word) > 1 and not goes_on:
            break
        joined, end = joined + word, part.end()
    if len(joined) < 16 or not _is_random(joined) or _is_masked(joined):
        return end, False
    return end, any(_kind(joined[first:last]) != "SECRET" for first, last in _forms().find(joined))


_CAPITALS: Final = ("AKIA", "ASIA")
_part: Final = re.compile(r"([ \t]{0,3}(?:\r?\n)?[ \t]{0,8})([A-Za-z0-9_\-]{1,400})", re.ASCII)


def is_drawn_by_lot(value: str) -> bool:
    """Say whether a value behind a telling word looks like a secret, and not like a word of the sentence."""
    if len(value) < 6 or _is_masked(value) or _WORDY.fullmatch(value):
        return False
    letters, digits = sum(map(str.isalpha, value)), sum(map(str.isdigit, value))
    if not letters or letters == len(value) or _CODE.match(value):
        return False
    return (digits > 0 or letters + digits < len(value)) and entropy_bits(value) >= 2.25


def entropy_bits(value: str) -> float:
    """Return Shannon's entropy of the characters of a text, in bits a character."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values()) if size else 0.0


def _is_random(word: str, *, capitals: bool = False) -> bool:
    if capitals and word.isupper():
        return True
    return any(map(str.isdigit, word)) or (word != word.lower() and not word.istitle() and not word.isupper())


def _is_masked(value: str) -> bool:
    return _MASKED.fullmatch(value) is not None


def _kind(secret: str) -> str:
    low = secret.lower()
    together = "".join(secret.split())
    for prefix, kind in _KINDS:
        if (
            secret.startswith(prefix)
            or together.startswith(prefix)
            or (prefix.endswith(" ") and low.startswith(prefix))
        ):
            return kind
    return "SECRET"


@cache
def _forms() -> "Forms":
    from tracelm.trace.forms import Forms

    return Forms()


@cache
def _patterns() -> "tuple[re2.Pattern[str], re2.Pattern[str]]":
    import re2

    spaced = "|".join(r"\s{0,2}".join(map(re.escape, prefix)) for prefix in _PREFIXES)
    return re2.compile(_told), re2.compile(rf"(?:^|[^A-Za-z0-9])({spaced})")


@cache
def _beginnings() -> "tuple[re2.Pattern[str], re2.Pattern[str]]":
    """Return what begins a secret with blanks in it, and what at the end of a text may become such a beginning."""
    import re2

    spaced = "|".join(r"\s{0,2}".join(map(re.escape, prefix)) for prefix in _PREFIXES)
    named = r"(?i:key|secret|token|passw|passphrase|passcode|pwd|credential|authori[sz]ation|cookie|auth|pass)"
    separated = r"[A-Za-z0-9_\-. ]{0,24}[\\\"']{0,6}[ \t]{0,4}[:=,]"
    begins = rf"(?:^|[^A-Za-z0-9])(?:{spaced})|-----BEGIN|{named}{separated}"
    partly = "|".join(_partly(prefix) for prefix in _PREFIXES)
    ends_in = rf"(?:^|[^A-Za-z0-9])((?:{partly}|(?i:bearer|basic)\s+\S*)\s{{0,2}})$"
    return re2.compile(begins), re2.compile(ends_in)


def _partly(prefix: str) -> str:
    """Return a pattern of every beginning of `prefix`, spelled with blanks or not."""
    pattern = ""
    for char in reversed(prefix):
        pattern = re.escape(char) + (rf"(?:\s{{0,2}}{pattern})?" if pattern else "")
    return pattern
