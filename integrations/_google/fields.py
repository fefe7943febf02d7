"""Reading what Google's client sends and gets: JSON of its API, whose fields have two spellings."""

import base64
import re
from functools import lru_cache

from tracelm.integrations._fields import field, text
from tracelm.integrations._parts import parsed


def read(value: object, name: str) -> object:
    """Read a field.

    Args:
        value: JSON of the API.
        name: Of the field, as the API writes it: `mimeType`. Old clients, and some programs, send `mime_type`; the API
            takes both.
    """
    found = field(value, name)
    return field(value, _snake(name)) if found is None else found


def answer_in(reply: object) -> object:
    """Return the JSON value in what the client's functions pass on; a text that is no JSON as it is."""
    return parsed(field(reply, "body"))


def base64_of(data: object) -> str:
    """Return content in plain base64; the client sends the form of it that is made for URLs."""
    if isinstance(data, bytes):
        return base64.b64encode(data).decode("ascii")
    encoded = text(data) or ""
    return encoded.replace("-", "+").replace("_", "/") if "-" in encoded or "_" in encoded else encoded


@lru_cache(maxsize=256)
def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
