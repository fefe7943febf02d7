"""The program's own rules for what must not be recorded: `tracelm.init(redact=[...])`."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from tracelm.errors import ConfigError
from tracelm.trace.forms import REDACTED
from tracelm.trace.safely import report

if TYPE_CHECKING:
    import re2

Rule: TypeAlias = "str | re.Pattern[str] | Callable[[str], str]"

FAILED: Final = "[redacted: a rule failed]"
"""Stands for a text over which a rule raised: without its verdict nothing of the text is let through."""

_MAX_BACKTRACKING: Final = 200_000
"""Python's own engine may need a time that grows with the square of a text; it gets no more characters than this."""
_SAME_IN_RE2: Final = re.compile(r"(?:[^\\$]|\\[^wWdDsSbBAZ])*")
_FLAGS: Final = ((re.IGNORECASE, "i"), (re.MULTILINE, "m"), (re.DOTALL, "s"))


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules, sorted by kind.

    Attributes:
        names: Names whose values are hidden.
        patterns: Parts of a text that are hidden, each as a function from text to text.
        functions: Called with each text.
    """

    names: tuple[str, ...] = ()
    patterns: tuple[Callable[[str], str], ...] = ()
    functions: tuple[Callable[[str], str], ...] = ()

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> "Rules":
        """Sort rules.

        Raises:
            ConfigError: One is neither a name, a compiled regular expression of text, nor callable.
        """
        names: list[str] = []
        patterns: list[Callable[[str], str]] = []
        functions: list[Callable[[str], str]] = []
        for rule in rules:
            if isinstance(rule, str):
                if not any(each.isalnum() for each in rule):
                    raise ConfigError(f"redact: {rule!r} is no name: give a word such as 'ssn', or re.compile(...)")
                names.append(rule)
            elif isinstance(rule, re.Pattern):
                if not isinstance(rule.pattern, str):  # pyright: ignore[reportUnnecessaryIsInstance] - as untyped code
                    raise ConfigError(f"redact: {rule!r} is for bytes: text is searched, so compile it from a str")
                patterns.append(_replacer(rule))
            elif callable(rule):
                functions.append(rule)
            else:
                raise ConfigError(f"redact: {rule!r} is no rule: give a name, re.compile(...) or a function of a str")
        return cls(tuple(names), tuple(patterns), tuple(functions))

    def over_text(self, text: str) -> str:
        """Apply every pattern and function; never raises."""
        return _apply(self.functions, self.over_name(text))

    def over_name(self, text: str) -> str:
        """Apply the patterns; never raises."""
        return _apply(self.patterns, text) if self.patterns else text


def _apply(rules: Iterable[Callable[[str], str]], text: str) -> str:
    for rule in rules:
        if text == FAILED:
            break
        try:
            found = rule(text)
            if not isinstance(found, str):  # pyright: ignore[reportUnnecessaryIsInstance] - the program's own function
                raise TypeError(f"a rule of redact= gave a {type(found).__name__}, not a str")
        except Exception as error:
            # The text of the error may quote what the rule was given.
            report("apply a rule of redact=", RuntimeError(f"it raised {type(error).__name__}"))
            return FAILED
        text = str(found)
    return text


def _replacer(pattern: re.Pattern[str]) -> Callable[[str], str]:
    # Linear in the length of the text, where that engine takes the pattern and means the same by it: to Python \w, \d,
    # \s and \b are Unicode, and `$` also matches before a last line break.
    flags = "".join(letter for flag, letter in _FLAGS if pattern.flags & flag)
    known = re.UNICODE | re.IGNORECASE | re.MULTILINE | re.DOTALL
    if not pattern.flags & ~known and _SAME_IN_RE2.fullmatch(pattern.pattern):
        import re2

        options = re2.Options()
        options.log_errors = False
        try:
            linear = re2.compile(f"(?{flags}:{pattern.pattern})" if flags else pattern.pattern, options)
        except re2.error:
            pass
        else:
            return lambda text: linear.sub(_hidden, text)

    def replace(text: str) -> str:
        found = pattern.sub(_hidden, text[:_MAX_BACKTRACKING])
        more = len(text) - _MAX_BACKTRACKING
        return f"{found}… [cut: {more:,} more characters]" if more > 0 else found

    return replace


def _hidden(match: "re.Match[str] | re2.Match[str]") -> str:
    return REDACTED if match.group() else ""
