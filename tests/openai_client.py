"""The client that is installed: its version, and the HTTP library that it sends with."""

from typing import TYPE_CHECKING

import openai

VERSION = tuple(int(part) for part in openai.__version__.split(".")[:2])

if TYPE_CHECKING or VERSION >= (3, 0):
    import httpx2 as http
else:
    import httpx as http

__all__ = ["VERSION", "http"]
