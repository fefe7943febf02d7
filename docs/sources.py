"""Reads sources: signatures and docstrings as Markdown, the same under every version of Python."""

import ast
import inspect
import itertools
import re
import textwrap
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

BAR: Final = "\\|"
"""A bar inside of a table's cell."""

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def source_of(thing: Any) -> Any:
    """Return the syntax of a class or function."""
    return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(thing)))).body[0]


def members(kind: type[Any]) -> dict[str, Function]:
    """Return the functions of a class, by name."""
    body: list[ast.stmt] = source_of(kind).body
    return {each.name: each for each in body if isinstance(each, Function)}


def all_members(kind: type[Any]) -> dict[str, Function]:
    """Return the functions of a class of ours and of its bases, by name."""
    found: dict[str, Function] = {}
    for each in reversed(kind.__mro__):
        if each.__module__.startswith("tracelm."):
            found |= members(each)
    return found


def all_annotations(kind: type[Any]) -> dict[str, ast.expr]:
    """Return the types of the fields of a class of ours and of its bases, by name."""
    found: dict[str, ast.expr] = {}
    for each in reversed(kind.__mro__):
        if each.__module__.startswith("tracelm."):
            found |= annotations(each)
    return found


def annotations(kind: type[Any]) -> dict[str, ast.expr]:
    """Return the types of a class's fields, by name."""
    body: list[ast.stmt] = source_of(kind).body
    return {
        each.target.id: each.annotation
        for each in body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }


def field_texts(kind: type[Any]) -> dict[str, str]:
    """Return the string below each field."""
    body: list[ast.stmt] = source_of(kind).body
    found: dict[str, str] = {}
    for each, below in itertools.pairwise(body):
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            assert isinstance(below, ast.Expr)
            assert isinstance(below.value, ast.Constant)
            found[each.target.id] = str(below.value.value)
    return found


def signature(node: Function) -> str:
    """Return the arguments and the result of a function, without `self`."""
    given = node.args
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + list(given.defaults)
    parts = [_argument(each, default) for each, default in zip(positional, defaults, strict=True)]
    if given.posonlyargs:
        parts.insert(len(given.posonlyargs), "/")
    if given.vararg is not None:
        parts.append("*" + _argument(given.vararg, None))
    elif given.kwonlyargs:
        parts.append("*")
    parts += [_argument(each, default) for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    if given.kwarg is not None:
        parts.append("**" + _argument(given.kwarg, None))
    if positional and positional[0].arg in {"self", "cls"}:
        del parts[0]
    returns = f" -> {unparsed(node.returns)}" if node.returns is not None else ""
    return f"({', '.join(parts)}){returns}"


def _argument(given: ast.arg, default: ast.expr | None) -> str:
    kind = f": {unparsed(given.annotation)}" if given.annotation is not None else ""
    return f"{given.arg}{kind}" if default is None else f"{given.arg}{kind} = {ast.unparse(default)}"


def _unquoted(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return ast.parse(node.value, mode="eval").body
    return node


def unparsed(node: ast.expr) -> str:
    """Return a type as text, without the quotes that a late import asks for."""
    return ast.unparse(_unquoted(node))


def attributes_of(doc: str) -> dict[str, str]:
    """Return what a docstring says under `Attributes:`."""
    _, _, listed = doc.partition("Attributes:\n")
    return {name: " ".join(text.split()) for name, text in _entries(listed.split("\n\n")[0])}


def _entries(block: str) -> Iterator[tuple[str, str]]:
    for entry in re.split(r"\n(?=\S)", textwrap.dedent(block).strip()):
        name, _, text = entry.partition(":")
        yield name, " ".join(text.split())


def markdown(doc: str) -> str:
    """Turn a Google docstring into Markdown."""
    parts: list[str] = []
    for block in re.split(r"\n\n(?=\S)", doc):
        head, _, rest = block.partition("\n")
        if head in {"Args:", "Attributes:", "Raises:"}:
            parts.append(f"**{head[:-1]}**\n\n" + "\n".join(f"- `{name}`: {text}" for name, text in _entries(rest)))
        elif head in {"Returns:", "Yields:"}:
            parts.append(f"**{head[:-1]}**: " + " ".join(rest.split()))
        elif head == "Example:":
            parts.append(f"```doctest\n{textwrap.dedent(rest).strip()}\n```")
        else:
            parts.append(block)
    return "\n\n".join(parts)
