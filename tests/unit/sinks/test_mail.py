"""Notices by e-mail, to real SMTP servers."""

import email
import email.policy
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from inline_snapshot import snapshot

import tracelm
from tests.unit.sinks.notices import NOTICE
from tracelm.sinks.mail import Mail


class Mailbox:
    """What a server took."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(envelope)
        return "250 taken"


def _allowed(server: Any, session: Any, envelope: Any, mechanism: str, auth: Any) -> AuthResult:
    is_known = isinstance(auth, LoginPassword) and (auth.login, auth.password) == (b"ops", b"hunter2")
    return AuthResult(success=is_known, handled=False)


class _Started(Controller):
    def _trigger_server(self) -> None:
        """Note the port that the server has picked, then greet it, as the base class does."""
        server: Any = self.server
        self.port = int(server.sockets[0].getsockname()[1])
        super()._trigger_server()  # type: ignore[no-untyped-call]


@pytest.fixture
def box() -> Mailbox:
    return Mailbox()


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def plain(box: Mailbox) -> Iterator[Controller]:
    controller = _Started(box, hostname="127.0.0.1", port=0)
    controller.start()
    yield controller
    controller.stop()


@pytest.fixture
def secured(box: Mailbox, authority: trustme.CA) -> Iterator[Controller]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    controller = _Started(
        box,
        hostname="127.0.0.1",
        port=0,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=_allowed,
    )
    controller.start()
    yield controller
    controller.stop()


def mail(server: Controller, **options: Any) -> Mail:
    return Mail(host="127.0.0.1", port=server.port, sender="bot@example.com", to=["ops@example.com"], **options)


def test_a_mail_tells_what_the_notice_does(plain: Controller, box: Mailbox) -> None:
    mail(plain, security="none").send(NOTICE)
    (envelope,) = box.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("bot@example.com", ["ops@example.com"])
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert (message["Subject"], message["Message-ID"]) == snapshot(
        (
            "[tracelm] critical: answers, polite: pass_rate < 0.95: firing",
            "<0123456789abcdef0123456789abcdef@tracelm>",
        )
    )
    assert "0.8 (0.7 to 0.9) from 120 verdicts" in message.get_content()


def test_a_password_goes_over_an_encrypted_connection_to_a_server_that_is_known(
    secured: Controller, box: Mailbox, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        mail(secured, user="ops", password="hunter2").send(NOTICE)
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    mail(secured, user="ops", password="hunter2").send(NOTICE)
    assert len(box.taken) == 1
    with pytest.raises(OSError, match="Authentication"):
        mail(secured, user="ops", password="wrong").send(NOTICE)


def test_a_server_that_is_not_there_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        known = Mail(
            host="127.0.0.1", port=taken.getsockname()[1], sender="a@example.com", to=["b@example.com"], security="none"
        )
        with pytest.raises(OSError, match="refused"):
            known.send(NOTICE)


def test_what_cannot_work_is_refused_at_the_door() -> None:
    def make(**options: Any) -> Mail:
        known: dict[str, Any] = {"host": "h", "sender": "a@example.com", "to": ["b@example.com"], **options}
        return Mail(**known)

    wrong: list[tuple[dict[str, Any], str]] = [
        ({"to": "b@example.com"}, "write to="),
        ({"to": []}, "write to="),
        ({"sender": "a@example.com\r\nBcc: c@example.com"}, "no e-mail address"),
        ({"security": "ssl"}, "use one of"),
        ({"password": "p", "user": "u", "security": "none"}, "a password needs"),
        ({"password": "p"}, "a password needs"),
    ]
    for options, message in wrong:
        with pytest.raises(tracelm.ConfigError, match=message):
            make(**options)
    assert "hunter2" not in repr(make(user="u", password="hunter2"))
