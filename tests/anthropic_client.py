"""Anthropic's client that is installed: its version, and the HTTP library that it sends with."""

from typing import TYPE_CHECKING

import anthropic
from anthropic import _base_client as clients  # pyright: ignore[reportPrivateUsage]

VERSION = tuple(int(part) for part in anthropic.__version__.split(".")[:2])

if TYPE_CHECKING or hasattr(clients, "httpx2"):
    import httpx2 as http
else:
    import httpx as http

__all__ = ["VERSION", "http"]
