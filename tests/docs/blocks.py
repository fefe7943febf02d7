"""Fenced code blocks of Markdown files, and one file's Python blocks as a script."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(
    r"^(?P<indent> *)(?P<ticks>`{3,})(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)(?P=ticks) *$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        kind: The language.
        options: What stands behind it on the fence: `no-run: REASON`, `pytest`, `prints`.
        text: Its text, without the indentation of the list that it stands in.
        line: The line of its first text, from 1.
    """

    kind: str
    options: str
    text: str
    line: int


def documents() -> list[str]:
    """Return the README and every page of the docs, as paths from the root."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [str(page.relative_to(ROOT)) for page in pages]


def blocks(document: str) -> Iterator[Block]:
    """Yield the fenced blocks of a document."""
    text = (ROOT / document).read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        kind, _, options = match["info"].strip().partition(" ")
        lines = [line.removeprefix(match["indent"]) for line in match["text"].splitlines()]
        yield Block(kind, options.strip(), "\n".join(lines), text.count("\n", 0, match.start("text")) + 1)


def script(found: Iterable[Block]) -> str:
    """Return Python blocks as one program whose line numbers are those of the document."""
    lines: list[str] = []
    for block in found:
        lines += [""] * (block.line - 1 - len(lines))
        lines += block.text.splitlines()
    return "\n".join(lines) + "\n"
