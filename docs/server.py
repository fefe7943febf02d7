"""The pages of the reference about the server, told from its code: `server.md` and `api.md`."""

import inspect
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from fastapi.routing import APIRoute

from docs.sources import BAR, attributes_of, field_texts
from tracelm.otlp.limits import RequestLimits
from tracelm.server.access.rule import rules_of
from tracelm.server.app import CSP, create_app
from tracelm.server.counters import MEANINGS
from tracelm.server.options import ServerOptions

_OF_COMMAND: Final = {
    "store_url": "`--store`",
    "allow_hosts": "`--allow-host`",
    "session_secret": "`TRACELM_SESSION_SECRET`",
}
_FIXED: Final = {"max_body_bytes", "max_waiting_bytes", "max_waiting_requests", "stop_timeout_s"}


def server_page() -> str:
    """Return `server.md`."""
    meanings = field_texts(ServerOptions)
    limits = attributes_of(inspect.getdoc(RequestLimits) or "")
    lines = [_HEAD, "## Options", "", "| option | default | meaning |", "|---|---|---|"]
    for each in fields(ServerOptions):
        if each.name not in _FIXED:
            option = _OF_COMMAND.get(each.name, f"`--{each.name.replace('_', '-')}`")
            shown = "" if each.default in {None, ()} else f"`{each.default}`"
            lines.append(f"| {option} | {shown} | {_one_line(meanings[each.name])} |")
    lines += ["", "## Limits", "", "| limit | value | meaning |", "|---|---|---|"]
    for each in fields(ServerOptions):
        if each.name in _FIXED:
            lines.append(f"| `{each.name}` | {each.default:,} | {_one_line(meanings[each.name])} |")
    for each in fields(RequestLimits):
        lines.append(f"| `{each.name}` | {each.default:,} | {_one_line(limits[each.name])} |")
    lines += [
        _OTLP,
        "## Numbers about itself",
        "",
        "`GET /metrics`, in Prometheus' text format; needs the right `read`.",
    ]
    lines += ["", "| name | meaning |", "|---|---|"]
    lines += [f"| `tracelm_{name}_total` | {meaning} |" for name, meaning in MEANINGS.items()]
    lines += [_GAUGES, "## Headers", "", f"Every answer carries `Content-Security-Policy: {CSP}`,", _HEADERS]
    return "\n".join(lines)


def api_page() -> str:
    """Return `api.md`."""
    app = create_app(None)
    described: Mapping[str, Any] = app.openapi()
    rights = {
        (route.path_format, method.lower()): rules_of(route)[0]
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    lines = [_API_HEAD]
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            right = rights[path, method]
            lines += ["", f"## {method.upper()} {path}", "", _one_line(operation["description"]), ""]
            lines.append(f"Right: {'none' if right is None else f'`{right}`'}. {_answer(operation)}{_body(operation)}")
            if operation.get("parameters"):
                lines += ["", "| parameter | in | type | meaning |", "|---|---|---|---|"]
                lines += [_parameter(each) for each in operation["parameters"]]
    lines += ["", "## Documents"]
    for name, schema in described["components"]["schemas"].items():
        if schema.get("type") == "object" and name not in {"HTTPValidationError", "ValidationError"}:
            lines += ["", f"### {name}", "", _one_line(schema.get("description", "")), ""]
            lines += ["| member | type | meaning |", "|---|---|---|"]
            lines += [
                f"| `{member}` | {_type(each)} | {_one_line(each.get('description', ''))} |"
                for member, each in schema.get("properties", {}).items()
            ]
    return "\n".join(lines)


def api_description() -> str:
    """Return the API's description, from which the web UI gets its types."""
    described: Mapping[str, Any] = create_app(None).openapi()
    text = json.dumps(described, indent=1, sort_keys=True, ensure_ascii=False)
    return f"{text}\n"


def _parameter(parameter: Mapping[str, Any]) -> str:
    schema = parameter["schema"]
    default = f", default `{schema['default']}`" if schema.get("default") not in {None, ""} else ""
    needed = ", needed" if parameter.get("required") and parameter["in"] != "path" else ""
    meaning = _one_line(parameter.get("description", schema.get("description", "")))
    return f"| `{parameter['name']}` | {parameter['in']} | {_type(schema)}{default}{needed} | {meaning} |"


def _answer(operation: Mapping[str, Any]) -> str:
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            content = next(iter(response.get("content", {}).items()), None)
            if content is None:
                return f"Answers {status}, without a body."
            media, held = content
            what = _type(held.get("schema", {}))
            return f"Answers {status} with {f'`{media}`' if what in {'any', 'string'} else what}."
    raise ValueError(f"{operation['operationId']} has no answer")


def _body(operation: Mapping[str, Any]) -> str:
    body = operation.get("requestBody")
    return "" if body is None else f" Takes {_type(next(iter(body['content'].values()))['schema'])}."


def _type(schema: Mapping[str, Any]) -> str:
    """Return a type as people write it."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return str(schema.get("type", "any"))


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", BAR)


_HEAD: Final = """# Server

`tracelm serve` is one process: it takes OTLP over HTTP and gRPC, keeps it in the store, follows the local journal, and
answers at [`/api/v1`](api.md) and in the browser. It needs `pip install 'tracelm[server]'`. How to run it:
[on this machine](../how-to/run-the-server.md), [for a team](../how-to/deploy.md). Who may ask what:
[access](../explanation/access.md).
"""

_OTLP: Final = """
## OTLP

| path, or service | takes | what becomes of it |
|---|---|---|
| `POST /v1/traces`, `TraceService/Export` | spans | committed before the answer |
| `POST /api/public/otel/v1/traces` | the same, from Langfuse's SDK | committed before the answer |
| `POST /v1/logs`, `LogsService/Export` | log records; scores and decisions are such | committed before the answer |
| `POST /v1/metrics`, `MetricsService/Export` | metrics | not kept; a partial success says so |

Over HTTP, `Content-Type` is `application/x-protobuf` or `application/json`, `Content-Encoding` is `gzip`, `deflate` or
none. A record belongs to the project that its resource names with `tracelm.project`, else to its `service.name`, else
to the one project that the key is for, else to `unknown_service`.

| answer | when | what a sender does |
|---|---|---|
| 200 | all is committed; what `partial_success` counts was rejected one by one, with the first reasons | goes on |
| 400, `INVALID_ARGUMENT` | the body is no such request | does not send it again |
| 401, 403, `UNAUTHENTICATED`, `PERMISSION_DENIED` | no key, a wrong one, or none with the right `ingest` | gets one |
| 413, `RESOURCE_EXHAUSTED` without `RetryInfo` | too large, as it came or inflated | sends smaller batches |
| 415 | a format that is not read here | sends one that is |
| 503 with `Retry-After`, `RESOURCE_EXHAUSTED` with `RetryInfo` | too much waits to be written | sends it again |
| 503, `UNAVAILABLE` | the store cannot be written: disk full, locked for 30 s | sends it again |

Sending again is safe: a record that comes twice changes nothing.
"""

_GAUGES: Final = """| `tracelm_waiting_requests`, `tracelm_waiting_bytes` | OTLP requests that wait to be written. |
| `tracelm_lag_seconds` | For how long the oldest of them has waited. |
| `tracelm_watchers` | Connections that get live events. |
| `tracelm_store_bytes`, `tracelm_disk_free_bytes` | The store's file and the space beside it; not for PostgreSQL. |

`GET /healthz` says that the process lives, `GET /readyz` that requests can be taken; neither needs a key.

The log is JSON lines on stderr: `time`, `level`, `logger`, `message`, and of a request that was refused `method`,
`route` (the pattern, not the path), `status`, `client` and `took_ms`. Nothing of what was sent or stored is in it.
"""

_HEADERS: Final = """`X-Content-Type-Options: nosniff`, `Referrer-Policy: no-referrer`, and none that
would let pages of other sites read it. Redirects are never sent, and nothing in a record is ever fetched, opened or
run."""

_API_HEAD: Final = """# REST API

Everything stands under `/api/v1` of a [server](server.md); `GET /api/v1/openapi.json` describes it for programs
(OpenAPI 3.1). A key is sent as `Authorization: Bearer KEY`, see [access](../explanation/access.md).

- **Moments** are text: nanoseconds since 1970, UTC, in decimal digits, as in OTLP/JSON. Durations are numbers.
- **Lists** come in pages: `next` of one page is `after` of the next, with the same other parameters. New records do not
  shift pages. `next` is null on the last one.
- **Errors** are `application/problem+json` (RFC 9457) with `title`, `status` and `detail`; a filter that cannot be read
  also tells `problem`, `remedy`, and `position` and `length` of the bad spot.
- **Filters** (`where`) are written in the [filter language](filters.md); a text in quotes is searched for.
- A key for one project means that one where none is named; a key for several has to name one."""
