"""The scorer that finds addresses that lead elsewhere than to the allowed hosts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import unquote, urlsplit

from tracelm.errors import ConfigError
from tracelm.scorers.detector import Detector, Found, apart
from tracelm.scorers.folding import Span, fold
from tracelm.scorers.searched_text import searched_text
from tracelm.scoring.score import Score

if TYPE_CHECKING:
    import re2

# A browser takes a backslash for a slash and finds the host behind any number of either.
_URL: Final = (
    r"(?i:\b(?:[a-z][a-z0-9+.-]{1,20}:[/\\]{1,8}|(?:javascript|data|vbscript|file|blob):)[^\s<>\"'`\])}]+"
    r"|(?:^|[\s(<\"'=])[/\\]{2}[^\s<>\"'`\])}/\\]+\.[^\s<>\"'`\])}]+"
    r"|\bhttps?:[a-z0-9][^\s<>\"'`\])}]+"
    r"|\bwww\.[^\s<>\"'`\])}]+"
    r"|\b(?:[a-z0-9-]{1,63}\.){1,8}(?:com|net|org|io|dev|app|info|biz|co|ru|cn|xyz|top|site|online|me|ai|zip)(?:[/?#:][^\s<>\"'`\])}]*))"
)
_AROUND: Final = " \t\r\n(<\"'=.,;:!?*_"
_dots: Final = str.maketrans("。．｡", "...")
_host: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)*[a-z0-9-]{1,63}")


@dataclass(frozen=True, kw_only=True)
class AllowedUrls(Detector):
    """True when every address in the output leads to one of the allowed hosts.

    An address is read as a browser reads it: what stands before an `@` is no host, a backslash is a slash, letters
    of other scripts become punycode, so that a lookalike is another host. Addresses that cannot be read for sure,
    that carry a user name, or whose scheme is not allowed (`javascript:`, `data:`) are refused. Addresses without
    a scheme count when they begin with `www.` or `//`, or end in a common domain and go on behind it. Those of IP
    version 6 are always refused.

    Args:
        domains: Hosts as `("example.com",)`; an address to one of their subdomains is allowed, too.
        schemes: The allowed schemes.
        subdomains: Whether subdomains are allowed.

    Raises:
        ConfigError: A domain that is no host name.

    Example:
        >>> ours = AllowedUrls(domains=("example.com",))
        >>> ours.score(output="See https://docs.example.com/a and https://example.com@evil.test/b").details["spans"]
        [{'start': 35, 'end': 66, 'type': 'URL'}]
    """

    domains: tuple[str, ...]
    schemes: tuple[str, ...] = ("https", "http")
    subdomains: bool = True
    MAX_CHARS: ClassVar[int] = 5_000_000
    revision: ClassVar[int] = 1
    """Raised when the same text is judged differently: part of the scorer's version."""

    def __post_init__(self) -> None:
        if isinstance(self.domains, str) or isinstance(self.schemes, str):
            raise ConfigError("domains and schemes are tuples: write domains=('example.com',)")
        hosts = tuple(_plain_host(each) for each in self.domains)
        if None in hosts:
            raise ConfigError(f"domains={self.domains!r} cannot work: give host names alone, as ('example.com',)")
        object.__setattr__(self, "domains", hosts)
        object.__setattr__(self, "schemes", tuple(each.lower() for each in self.schemes))

    @property
    def window(self) -> int:
        """An address has no blank in it: what stands before it decides where it begins."""
        return 32

    def score(self, *, output: object) -> Score:
        """Look through `output`; a value that is not a str is searched in its JSON text."""
        text = searched_text(output)
        folded = fold(text[: self.MAX_CHARS])
        refused = [span for span in _addresses(folded.text) if not self._allows(folded.text[slice(*span)])]
        return self.verdict(text, apart(Found(*folded.span(*span), "URL") for span in refused))

    def _allows(self, address: str) -> bool:
        address = address.replace("\\", "/")
        scheme, colon, rest = address.partition(":")
        if not colon or "." in scheme or "/" in scheme:  # none is written: a reader's browser takes https
            scheme, rest = "https", "//" + address.lstrip("/")
        if scheme.lower() not in self.schemes:
            return False
        try:
            parts = urlsplit(f"{scheme.lower()}://{rest.lstrip('/')}")
            if "@" in parts.netloc:
                return False
            _ = parts.port  # raises where it is none
        except ValueError:
            return False
        host = _plain_host(parts.hostname or "")
        if host is None:
            return False
        return any(host == each or (self.subdomains and host.endswith(f".{each}")) for each in self.domains)


def _addresses(text: str) -> Iterator[Span]:
    for match in _pattern().finditer(text):
        start, end = match.span()
        while start < end and text[start] in _AROUND:
            start += 1
        while end > start and text[end - 1] in _AROUND:
            end -= 1
        yield start, end


def _plain_host(host: str) -> str | None:
    """Return a host in the form in which it is compared: lower case, punycode; `None` where it is no host."""
    host = unquote(host).translate(_dots).rstrip(".").lower()
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            return None
    return host if _host.fullmatch(host) else None


@cache
def _pattern() -> "re2.Pattern[str]":
    import re2

    return re2.compile(_URL)
