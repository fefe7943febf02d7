"""What a response is billed by beside its tokens: the tools that ran at the provider."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tracelm.integrations._fields import field, text
from tracelm.integrations._openai.items import runs_at_the_provider

_BILLED_APART: Final[Mapping[str, str]] = {
    "image_generation_call": "image_generation",  # tokens of another model, which the response does not name
    "code_interpreter_call": "code_interpreter",  # by the container, which other responses may use as well
    "shell_call": "shell",
}
"""Items of tools whose price nothing in a response says, and what is not counted then."""
HOSTED: Final = frozenset({"web_search_call", "file_search_call", *_BILLED_APART})
"""Items that say that something else than tokens is billed."""


def hosted_usage(response: object, output: Sequence[object]) -> dict[str, Any]:
    """Return what tools at the provider are billed by, as fields of `Usage`.

    Args:
        response: The response, whose `tool_usage` says how many searches are billed; older ones have none.
        output: Its items.
    """
    told = field(response, "tool_usage")
    searches = field(field(told, "web_search"), "num_requests")
    found: dict[str, Any] = {}
    if field(field(told, "image_gen"), "total_tokens"):
        found["not_counted"] = "image_generation"
    web = files = 0
    for item in output:
        kind = text(field(item, "type")) or ""
        if kind == "web_search_call":  # that a page was opened, or looked through, is none
            web += text(field(field(item, "action"), "type")) in {None, "search"}
        elif kind == "file_search_call":
            files += 1
        elif kind in _BILLED_APART and runs_at_the_provider(kind, item):
            found["not_counted"] = _BILLED_APART[kind]
    found["web_searches"] = (web if searches is None else searches) or None
    found["file_searches"] = files or None
    return found
