"""A policy from YAML: read as data, never as code, and every mistake named with its line."""

import dataclasses
import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar, cast

from tracelm.errors import ConfigError
from tracelm.guards.guardrail import Guardrail
from tracelm.guards.policy import Policy
from tracelm.scoring.scorer import Scorer

if TYPE_CHECKING:
    import yaml

T = TypeVar("T")

_POLICY: Final = ("name", "version", "guardrails")
_GUARDRAIL: Final = tuple(field.name for field in dataclasses.fields(Guardrail))
_NEVER: Final = frozenset({"client"})
"""Fields of scorers that no text can say."""
_MOST_BYTES: Final = 1_000_000
_MOST_DEPTH: Final = 12


def read_policy(source: str | Path, *, fallbacks: Mapping[str, Callable[..., Any]]) -> Policy:
    """Read a policy; see `Policy.from_yaml`.

    Raises:
        ConfigError: It is none.
    """
    if isinstance(source, str) and "\n" in source:
        return _Reader("the policy", fallbacks).read(source)
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the policy {path} cannot be read: {error}") from None
    return _Reader(str(path), fallbacks).read(text)


class _Reader:
    def __init__(self, where: str, fallbacks: Mapping[str, Callable[..., Any]]) -> None:
        self._where = where
        self._fallbacks = fallbacks

    def read(self, text: str) -> Policy:
        import yaml

        if len(text) > _MOST_BYTES:
            raise ConfigError(f"{self._where} has {len(text):,} characters: a policy is smaller")
        try:
            # Nodes, not values: they know their lines, and nothing is constructed from tags.
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            line = f", line {mark.line + 1}" if mark is not None else ""
            raise ConfigError(f"{self._where}{line}: {getattr(error, 'problem', None) or error}") from None
        if root is None:
            raise ConfigError(f"{self._where} is empty: it needs name, version and guardrails")
        fields = self._fields(root, _POLICY, "a policy")
        for needed in _POLICY:
            if needed not in fields:
                self._fail(root, f"{needed} is missing")
        listed = fields["guardrails"]
        if not isinstance(listed, yaml.SequenceNode):
            self._fail(listed, "guardrails must be a list")
        rails = [self._guardrail(each) for each in listed.value]
        return self._made(root, lambda: Policy(self._text(fields["name"]), self._text(fields["version"]), rails))

    def _guardrail(self, node: "yaml.Node") -> Guardrail:
        fields = self._fields(node, _GUARDRAIL, "a guardrail")
        if "scorer" not in fields:
            self._fail(node, "the guardrail has no scorer: name one of tracelm.scorers")
        scorer = self._scorer(fields.pop("scorer"))
        given = {name: self._plain(each) for name, each in fields.items()}
        if given.get("fallback") is not None:
            named = str(given["fallback"])
            if named not in self._fallbacks:
                known = ", ".join(self._fallbacks) or "none"
                self._fail(
                    fields["fallback"], f"fallback {named!r} is not among those that from_yaml was given ({known})"
                )
            given["fallback"] = self._fallbacks[named]
        return self._made(node, lambda: Guardrail(scorer, **given))

    def _scorer(self, node: "yaml.Node") -> Scorer:
        """Make a scorer of its name, or of `{Name: {field: value}}`."""
        import yaml

        given: dict[str, Any] = {}
        if isinstance(node, yaml.MappingNode):
            if len(node.value) != 1:
                self._fail(node, "write the scorer as Name, or as {Name: {field: value}}")
            key, inner = cast("tuple[yaml.Node, yaml.Node]", node.value[0])
            name = self._text(key)
        else:
            key, inner, name = node, None, self._text(node)
        kind = self._kind(key, name)
        known = {field.name: field for field in dataclasses.fields(kind) if field.init and field.name not in _NEVER}
        if inner is not None:
            nodes = self._fields(inner, tuple(known), name)
            given = {field: self._value(each) for field, each in nodes.items()}
        return self._made(key, lambda: cast("Scorer", kind(**given)))

    def _kind(self, node: "yaml.Node", name: str) -> Any:
        # By its name, as a plugin: the scorers stand above the guards, which must not depend on them.
        scorers = importlib.import_module("tracelm.scorers")
        if name not in scorers.__all__:
            self._fail(node, f"tracelm.scorers has no {name!r}: there are {', '.join(scorers.__all__)}")
        kind = getattr(scorers, name)
        if not (inspect.isclass(kind) and issubclass(kind, Scorer) and dataclasses.is_dataclass(kind)):
            self._fail(node, f"{name} cannot be written in YAML: make the policy in Python")
        return kind

    def _value(self, node: "yaml.Node") -> Any:
        """Return the value of a scorer's field; a list is a tuple, `{scorer: ...}` is a scorer."""
        import yaml

        if isinstance(node, yaml.MappingNode) and [self._text(key) for key, _ in node.value] == ["scorer"]:
            return self._scorer(node.value[0][1])
        if isinstance(node, yaml.SequenceNode):
            return tuple(self._value(each) for each in node.value)
        return self._plain(node)

    def _plain(self, node: "yaml.Node", depth: int = 0) -> Any:
        import yaml

        if depth > _MOST_DEPTH:
            self._fail(node, "nested too deep")
        if isinstance(node, yaml.MappingNode):
            return {self._text(key): self._plain(each, depth + 1) for key, each in node.value}
        if isinstance(node, yaml.SequenceNode):
            return tuple(self._plain(each, depth + 1) for each in node.value)
        kind = node.tag.rpartition(":")[2]
        if not node.tag.startswith("tag:yaml.org,2002:") or kind not in {"str", "int", "float", "bool", "null"}:
            self._fail(node, f"{node.tag} is not read here: write text, numbers, true, false, lists or mappings")
        loader = yaml.SafeLoader("")
        return getattr(loader, f"construct_yaml_{kind}")(node)

    def _fields(self, node: "yaml.Node", known: Sequence[str], what: str) -> "dict[str, yaml.Node]":
        import yaml

        if not isinstance(node, yaml.MappingNode):
            self._fail(node, f"{what} must be a mapping of {', '.join(known) or 'nothing'}")
        found: dict[str, yaml.Node] = {}
        for key, value in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            name = self._text(key)
            if name not in known:
                self._fail(key, f"{what} has no {name!r}: there are {', '.join(known) or 'no fields'}")
            if name in found:
                self._fail(key, f"{name!r} stands here twice")
            found[name] = value
        return found

    def _text(self, node: "yaml.Node") -> str:
        import yaml

        if not isinstance(node, yaml.ScalarNode):
            self._fail(node, "a text is wanted here")
        return str(node.value)

    def _made(self, node: "yaml.Node", make: Callable[[], T]) -> T:
        try:
            return make()
        except (ConfigError, TypeError, ValueError) as error:
            self._fail(node, str(error))

    def _fail(self, node: "yaml.Node", message: str) -> NoReturn:
        raise ConfigError(f"{self._where}, line {node.start_mark.line + 1}: {message}") from None
