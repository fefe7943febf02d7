"""Where the notices of alerts go: the program's log, a function, a webhook, Slack, a mailbox.

A sink is any function of an `AlertNotice`, or an object with `name` and `send(notice)`. What it raises is recorded with
the notice and stops nothing.
"""

from tracelm.sinks.log import Log
from tracelm.sinks.mail import Mail
from tracelm.sinks.sink import Sink, SinkLike
from tracelm.sinks.slack import Slack
from tracelm.sinks.webhook import Webhook
from tracelm.store.alert_notice import AlertNotice

__all__ = ["AlertNotice", "Log", "Mail", "Sink", "SinkLike", "Slack", "Webhook"]
