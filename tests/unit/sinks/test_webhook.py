"""Notices over the web: signed, tried again, never redirected, not to private addresses unless that is wanted."""

import socket
import threading
from collections.abc import Callable, Iterator

import orjson
import pytest
import standardwebhooks
from inline_snapshot import snapshot

import tracelm
from tests.collector import ACCEPTED, RESET, Answer, Sink, sink
from tests.unit.sinks.notices import NOTICE
from tracelm.sinks.address import is_public
from tracelm.sinks.slack import Slack
from tracelm.sinks.webhook import Webhook

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@pytest.fixture
def receiver() -> Iterator[Sink]:
    with sink() as found:
        yield found


def webhook(receiver: Sink, **options: object) -> Webhook:
    known: dict[str, object] = {"allow_private": True, "backoff_s": 0.0, "secret": SECRET, **options}
    return Webhook(url=f"{receiver.url}/hooks/1?key=k", **known)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def says(*answers: Answer) -> Callable[[str, bytes], Answer]:
    """Return what gives one answer after the other."""
    left = list(answers)

    def answer(_path: str, _body: bytes) -> Answer:
        return left.pop(0)

    return answer


def test_any_library_for_standard_webhooks_takes_the_signature(receiver: Sink) -> None:
    webhook(receiver).send(NOTICE)
    ((path, headers, body),) = receiver.requests
    assert path == "/hooks/1?key=k"
    told = standardwebhooks.Webhook(SECRET).verify(body.decode(), headers)
    assert told == snapshot(
        {
            "uid": "0123456789abcdef0123456789abcdef",
            "monitor": "answers",
            "alert": "pass_rate < 0.95",
            "condition": "pass_rate < 0.95",
            "score": "polite",
            "kind": "firing",
            "severity": "critical",
            "time_ns": "1790000060000000000",
            "since_ns": "1790000000000000000",
            "window_s": 3600,
            "value": 0.8,
            "low": 0.7,
            "high": 0.9,
            "n": 120,
        }
    )
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(SECRET).verify(body.decode().replace("critical", "warning"), headers)


def test_what_may_pass_later_is_tried_again_with_the_same_id(receiver: Sink) -> None:
    receiver.answer = says((503, b"", {}), RESET, ACCEPTED)
    webhook(receiver).send(NOTICE)
    assert receiver.asked == 3
    ((_, headers, _),) = receiver.requests
    assert {name.lower(): value for name, value in headers.items()}["webhook-id"] == NOTICE.uid


def test_it_is_tried_only_so_often(receiver: Sink) -> None:
    receiver.answer = says((500, b"", {}), (500, b"", {}))
    with pytest.raises(OSError, match=r"^127\.0\.0\.1 answered with status 500$"):
        webhook(receiver, tries=2).send(NOTICE)
    assert receiver.asked == 2


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 410])
def test_a_redirect_is_not_followed_and_a_refusal_not_tried_again(receiver: Sink, status: int) -> None:
    receiver.answer = says((status, b"", {"location": f"{receiver.url}/other"}))
    with pytest.raises(OSError, match=f"status {status}"):
        webhook(receiver).send(NOTICE)
    assert receiver.asked == 1


def test_a_receiver_that_says_nothing_is_given_up(receiver: Sink) -> None:
    free = threading.Event()

    def hangs(_path: str, _body: bytes) -> Answer:
        free.wait(60)
        return ACCEPTED

    receiver.answer = hangs
    try:
        with pytest.raises(OSError, match="cannot be reached: TimeoutError"):
            webhook(receiver, timeout_s=0.05, tries=1).send(NOTICE)
    finally:
        free.set()


def test_private_addresses_are_not_connected_to(receiver: Sink) -> None:
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
        address = receiver.url.replace("127.0.0.1", host)
        with pytest.raises(PermissionError, match="private network"):
            Webhook(url=address, secret=SECRET).send(NOTICE)
    assert receiver.asked == 0


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(
    receiver: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that first leads to a public address, and to this machine when it is looked up again."""
    real, asked = socket.getaddrinfo, list[str]()

    def rebinds(host: str, *args: object, **kwargs: object) -> object:
        asked.append(host)
        leads_to = "203.0.113.1" if len(asked) > 1 else "127.0.0.1"  # the private one first
        return real(leads_to, *args, **kwargs)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]

    monkeypatch.setattr(socket, "getaddrinfo", rebinds)
    with pytest.raises(PermissionError):
        Webhook(url=receiver.url.replace("127.0.0.1", "hooks.example.com"), secret=SECRET).send(NOTICE)
    assert asked == ["hooks.example.com"]
    assert receiver.asked == 0


def test_an_address_of_a_private_network_is_told_in_each_disguise() -> None:
    for private in (
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "224.0.0.1", "::ffff:10.0.0.1"),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe", "nonsense"),
    ):
        assert not is_public(private), private
    for public in ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"):
        assert is_public(public), public


def test_slack_gets_a_text_in_which_nothing_calls_people(receiver: Sink) -> None:
    Slack(url=receiver.url, allow_private=True).send(NOTICE)
    ((_, _, body),) = receiver.requests
    assert orjson.loads(body) == snapshot(
        {
            "text": "critical: answers, polite: pass_rate &lt; 0.95: firing: 0.8 (0.7 to 0.9) from 120 verdicts",
            "blocks": [
                {
                    "type": "section",
                    "text": {
                        "type": "mrkdwn",
                        "text": """\
:red_circle: *critical: answers, polite: pass_rate &lt; 0.95: firing*
0.8 (0.7 to 0.9) from 120 verdicts\
""",
                    },
                }
            ],
        }
    )


def test_urls_and_secrets_are_not_shown() -> None:
    shown = f"{Slack(url='https://hooks.example.com/T0/B0/secret')} {Webhook(url='https://a.example/b', secret=SECRET)}"
    assert "secret'" not in shown
    assert "B0" not in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    "url", ["", "ftp://a/b", "https://", "https://a b/", "https://a/\r\nX: y", "https://u:p@a/", "https://a:0/", "//a"]
)
def test_what_is_no_url_or_secret_is_refused_at_the_door(url: str) -> None:
    with pytest.raises(tracelm.ConfigError, match="write https://host/path"):
        Slack(url=url)
    with pytest.raises(tracelm.ConfigError, match="at least 24 bytes"):
        Webhook(url="https://a.example", secret="whsec_short")
