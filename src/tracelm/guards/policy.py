"""`Policy`: guardrails under a name and a version, which every decision names."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

from tracelm import semconv
from tracelm.errors import ConfigError
from tracelm.guards.guardrail import Guardrail
from tracelm.scoring.scorer import version_of
from tracelm.scoring.version import code_version

_NOT_PLAIN: Final = frozenset({"scorer", "fallback"})


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Guardrails that belong together. Put them to work with `@tracelm.guard(policy)`.

    Every decision records the policy's name, version and digest, so that it can be told later under which rules it
    was made, and `tracelm guard replay` can say what a changed policy would have decided.

    Attributes:
        name: What it is called.
        version: Yours to give, such as `"2026-11"`; the digest changes by itself.
        guardrails: At least one, in order.

    Raises:
        ConfigError: No guardrail, two of one name on one side, or a name or version that is empty.

    Example:
        >>> from tracelm.scorers import PII
        >>> Policy(name="support", version="1", guardrails=[Guardrail(PII(), action="replace")]).guardrails[0].name
        'pii'
    """

    name: str
    version: str
    guardrails: tuple[Guardrail, ...]

    def __init__(self, name: str, version: str, guardrails: Iterable[Guardrail]) -> None:
        given = tuple(cast("Iterable[object]", guardrails))
        if not given or not all(isinstance(each, Guardrail) for each in given):
            raise ConfigError("a policy takes guardrails: write Policy(name=..., version=..., guardrails=[...])")
        for field, value in (("name", name), ("version", version)):
            if not isinstance(cast("object", value), str) or not value.strip():
                raise ConfigError(f"{field}={value!r} of a policy cannot work: give a text that is not empty")
        rails = cast("tuple[Guardrail, ...]", given)
        seen: set[tuple[str, str | None, str]] = set()
        for each in rails:
            key = (each.on, each.argument, each.name)
            if key in seen:
                raise ConfigError(f"the policy has two guardrails {each.name!r} on its {each.on}: give them names")
            seen.add(key)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "version", version)
        object.__setattr__(self, "guardrails", rails)

    @cached_property
    def digest(self) -> str:
        """12 hex digits of all that decides: the options of its guardrails, and the versions of their scorers."""
        digest = hashlib.sha256()
        for each in self.guardrails:
            plain = [f"{f.name}={getattr(each, f.name)!r}" for f in fields(each) if f.name not in _NOT_PLAIN]
            fallback = "" if each.fallback is None else code_version(each.fallback)
            for part in (*plain, version_of(each.scorer), fallback):
                data = part.encode("utf-8", "surrogatepass")
                digest.update(b"%d:" % len(data) + data)
        return digest.hexdigest()[:12]

    @property
    def attributes(self) -> Mapping[str, str]:
        """What a decision records of it."""
        return {
            semconv.POLICY_NAME: self.name,
            semconv.POLICY_VERSION: self.version,
            semconv.POLICY_DIGEST: self.digest,
        }

    @classmethod
    def from_yaml(cls, source: str | Path, *, fallbacks: Mapping[str, Callable[..., Any]] | None = None) -> "Policy":
        """Read a policy from YAML.

        No code is run: scorers are those of `tracelm.scorers`, by name, with their fields.

        Args:
            source: A file, or the text itself where it has a line break.
            fallbacks: The functions that a `fallback:` in it may name.

        Raises:
            ConfigError: It is no policy; the message names the line.

        Example:
            >>> policy = Policy.from_yaml('''
            ... name: support
            ... version: "2026-11"
            ... guardrails:
            ...   - scorer: PII
            ...     action: replace
            ...   - scorer: {BannedTerms: {terms: [Acme], label: COMPETITOR}}
            ...     mode: shadow
            ... ''')
            >>> [(each.name, each.mode) for each in policy.guardrails]
            [('pii', 'enforce'), ('banned_terms', 'shadow')]
        """
        from tracelm.guards.policy_yaml import read_policy

        return read_policy(source, fallbacks=fallbacks or {})
