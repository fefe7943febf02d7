"""The web UI: built files from the folder `static`, or a page that says how to build them."""

import mimetypes
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response
from starlette.responses import FileResponse

from tracelm.server.access.rule import Anybody
from tracelm.server.problems import Problem

router: Final = APIRouter(include_in_schema=False)
STATIC: Final = Path(__file__).parent / "static"
_NOT_PAGES: Final = ("api/", "v1/")
_TEMPLATE: Final = "report.html"  # of `tracelm eval export`: a page without its data
_HASHED: Final = "assets/"  # the build puts a hash of the content into these names
_NOT_BUILT: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>tracelm</title></head><body>
<h1>tracelm is running</h1>
<p>It takes OpenTelemetry in, and answers at <code>/api/v1</code>. The web UI is not built in this checkout:
run <code>make web</code> (it needs Node), then load this page again.</p>
<p>Without it: <code>tracelm traces</code> lists traces, <code>tracelm show TRACE</code> shows one.</p>
</body></html>
"""


def find_file(folder: Path, path: str) -> Path | None:
    """Return the file of the UI at `path`; `None` when there is none, or it lies outside of the folder."""
    root = folder.resolve()
    try:
        found = (root / path).resolve()
        return found if found.is_relative_to(root) and found.is_file() else None
    except (OSError, ValueError):  # a name that is too long, or holds a zero byte
        return None


@router.api_route("/{path:path}", methods=["GET", "HEAD"])
def page(path: str, _caller: Anybody) -> Response:
    """Send a file of the UI; any other path is one of the UI's own pages."""
    if path.startswith(_NOT_PAGES) or path in {"api", "v1"}:
        raise Problem(404, "there is nothing at this path")
    found = find_file(STATIC, path) if path and path != _TEMPLATE else None
    if found is not None:
        kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        lasting = "public, max-age=31536000, immutable" if path.startswith(_HASHED) else "no-cache"
        return FileResponse(found, media_type=kind, headers={"cache-control": lasting})
    if path.startswith(_HASHED):
        raise Problem(404, "the UI has no such file")
    index = find_file(STATIC, "index.html")
    if index is None:
        return Response(_NOT_BUILT, media_type="text/html", headers={"cache-control": "no-cache"})
    return FileResponse(index, media_type="text/html", headers={"cache-control": "no-cache"})
