"""Notices by e-mail."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from tracelm.errors import ConfigError
from tracelm.sinks.webhook import document
from tracelm.store.alert_notice import AlertNotice

_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """Notices as mails, handed to an SMTP server.

    Attributes:
        host: The server.
        sender: Whom they are from.
        to: Whom they go to.
        user: Who we are to the server; `None`: it does not ask.
        password: Our password there. Given only over an encrypted connection.
        security: `starttls`, `tls`, or `none` for a server on a network that is trusted. Certificates are checked.
        port: Where; by default 587, 465 or 25.
        timeout_s: How long each step may wait for the network, in seconds.
        name: What it is called where it is recorded whether a notice arrived.

    Raises:
        ConfigError: An address has a line break, there is nobody to send to, or a password would be sent in clear.
    """

    host: str
    sender: str
    to: Sequence[str]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    security: Literal["starttls", "tls", "none"] = "starttls"
    port: int | None = None
    timeout_s: float = 10.0
    name: str = "mail"

    def __post_init__(self) -> None:
        if isinstance(self.to, str) or not self.to:
            raise ConfigError(f"to={self.to!r} is no list of addresses: write to=['ops@example.com']")
        if self.security not in _PORTS:
            raise ConfigError(f"security={self.security!r} is not known: use one of {', '.join(_PORTS)}")
        if self.password is not None and (self.security == "none" or self.user is None):
            raise ConfigError("a password needs a user, and security='starttls' or 'tls'")
        for each in (self.sender, *self.to):
            if "@" not in each or not each.isprintable():
                raise ConfigError(f"{each!r} is no e-mail address")
        object.__setattr__(self, "to", tuple(self.to))

    def send(self, notice: AlertNotice) -> None:
        """Hand one mail over.

        Raises:
            OSError: The server was not reached, or did not take it.
        """
        import smtplib
        import ssl
        from email.message import EmailMessage

        message = EmailMessage()
        message["From"], message["To"] = self.sender, ", ".join(self.to)
        message["Subject"] = f"[tracelm] {_one_line(notice.title)}"
        message["Message-ID"] = f"<{notice.uid}@tracelm>"
        told = "\n".join(f"{name}: {'-' if value is None else value}" for name, value in document(notice).items())
        message.set_content(f"{_one_line(str(notice))}\n\n{told}\n")
        port = self.port or _PORTS[self.security]
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if self.security == "tls":
            server = smtplib.SMTP_SSL(self.host, port, timeout=self.timeout_s, context=context)
        else:
            server = smtplib.SMTP(self.host, port, timeout=self.timeout_s)
        with server:
            if self.security == "starttls":
                server.starttls(context=context)
            if self.user is not None:
                server.login(self.user, self.password or "")
            server.send_message(message)


def _one_line(text: str) -> str:
    """Return a text without line breaks: a header of a mail has none."""
    return "".join(each if each.isprintable() else " " for each in text)
