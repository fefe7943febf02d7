"""The session of a browser: a cookie that says which key logged in, signed, so that nothing is kept for it.

The signature is made with the hash of the key and a secret that is not in the store: revoking the key ends its
sessions, and so does the end of the process, unless the secret was given. A copy of the store is not enough to forge
one.
"""

import hashlib
import hmac
import re
import secrets
import time
from typing import Final

from tracelm.server.access.keys import ApiKey
from tracelm.server.access.ring import KeyRing

COOKIE: Final = "tracelm_session"
CSRF_HEADER: Final = "x-csrf-token"
LASTS_S: Final = 12 * 3600
_FORM: Final = re.compile(r"([0-9a-f]{12})\.([0-9]{1,12})\.([0-9a-f]{64})")


class Sessions:
    """Makes and checks cookies.

    Args:
        ring: The keys.
        secret: What signs; left out, something that nobody else knows.
    """

    def __init__(self, ring: KeyRing, *, secret: str | None = None) -> None:
        self._ring = ring
        self._secret = secrets.token_bytes(32) if secret is None else secret.encode("utf-8", "surrogateescape")

    def cookie(self, key: ApiKey) -> str:
        """Return the value of the cookie for somebody who showed `key`."""
        until = f"{key.id}.{int(time.time()) + LASTS_S}"
        return f"{until}.{self._sign('session', until, key)}"

    def find(self, cookie: str) -> ApiKey | None:
        """Return the key behind a cookie; `None` when it is forged, has run out, or the key was revoked."""
        form = _FORM.fullmatch(cookie)
        key = None if form is None else self._ring.by_id(form[1])
        if form is None or key is None or int(form[2]) < time.time():
            return None
        signed = self._sign("session", f"{form[1]}.{form[2]}", key)
        return key if hmac.compare_digest(signed, form[3]) else None

    def csrf_token(self, cookie: str, key: ApiKey) -> str:
        """Return the token that a page must show beside the cookie to change something."""
        return self._sign("csrf", cookie, key)

    def is_token(self, given: str, cookie: str, key: ApiKey) -> bool:
        """Whether a page showed the right token."""
        return hmac.compare_digest(self.csrf_token(cookie, key).encode(), given.encode("utf-8", "surrogatepass"))

    def _sign(self, purpose: str, text: str, key: ApiKey) -> str:
        signed = f"{purpose}\0{text}\0{key.digest}".encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
