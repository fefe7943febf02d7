"""Notices to a program of one's own, signed."""

import base64
import binascii
import hashlib
import hmac
import time
from dataclasses import asdict, dataclass, field
from typing import Final

import orjson

from tracelm.errors import ConfigError
from tracelm.sinks.post import Post
from tracelm.store.alert_notice import AlertNotice

_PREFIX: Final = "whsec_"
_SHORTEST_KEY: Final = 24  # bytes, as the specification asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook(Post):
    """Notices as JSON, posted to a URL and signed as Standard Webhooks says (standardwebhooks.com).

    The headers `webhook-id`, `webhook-timestamp` (seconds since 1970) and `webhook-signature` (`v1,` and the base64 of
    HMAC-SHA256 over `ID.TIMESTAMP.BODY`) tell the receiver that the notice is ours, how old it is, and whether it knows
    it already: a notice that is sent again has the same id. Any library for Standard Webhooks checks them.

    Attributes:
        secret: The key that both sides have: `whsec_` and base64 of at least 24 bytes.
        name: What it is called where it is recorded whether a notice arrived.

    Raises:
        ConfigError: The URL, the secret or a number cannot work.
    """

    secret: str = field(repr=False)
    name: str = "webhook"

    def __post_init__(self) -> None:
        Post.__post_init__(self)
        _key(self.secret)

    def send(self, notice: AlertNotice) -> None:
        """Post one notice.

        Raises:
            OSError: It was not taken.
        """
        body = orjson.dumps(document(notice))
        moment = str(int(time.time()))
        signed = f"{notice.uid}.{moment}.".encode() + body
        signature = base64.b64encode(hmac.new(_key(self.secret), signed, hashlib.sha256).digest()).decode()
        headers = {
            "Content-Type": "application/json",
            "Webhook-Id": notice.uid,
            "Webhook-Timestamp": moment,
            "Webhook-Signature": f"v1,{signature}",
        }
        self.post(body, headers)


def document(notice: AlertNotice) -> dict[str, object]:
    """Return a notice as JSON can hold it. Moments are text, as in the API: they have more digits than JavaScript."""
    told = {name: value for name, value in asdict(notice).items() if name != "deliveries"}
    return {name: str(value) if name.endswith("_ns") else value for name, value in told.items()}


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < _SHORTEST_KEY:
        raise ConfigError(
            "the secret of a webhook is base64 of at least 24 bytes: take one from "
            "`python -c 'import base64, os; print(\"whsec_\" + base64.b64encode(os.urandom(32)).decode())'`"
        )
    return key
