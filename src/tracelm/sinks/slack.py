"""Notices in a channel of Slack."""

from dataclasses import dataclass
from typing import Final

import orjson

from tracelm.sinks.post import Post
from tracelm.store.alert_notice import AlertNotice

_MARKS: Final = {"firing": ":red_circle:", "no data": ":white_circle:", "still": ":red_circle:"}
_RESOLVED: Final = ":large_green_circle:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack(Post):
    """Notices as messages of an incoming webhook; Mattermost and Rocket.Chat read the same form.

    Attributes:
        name: What it is called where it is recorded whether a notice arrived.

    Raises:
        ConfigError: The URL or a number cannot work.
    """

    name: str = "slack"

    def send(self, notice: AlertNotice) -> None:
        """Post one message.

        Raises:
            OSError: It was not taken.
        """
        title, figures = _escaped(notice.title), _escaped(notice.figures)
        shown = f"{_MARKS.get(notice.kind, _RESOLVED)} *{title}*\n{figures}"
        block = {"type": "section", "text": {"type": "mrkdwn", "text": shown}}
        body = orjson.dumps({"text": f"{title}: {figures}", "blocks": [block]})
        self.post(body, {"Content-Type": "application/json"})


def _escaped(text: str) -> str:
    """Return a text in which nothing calls people or channels."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
