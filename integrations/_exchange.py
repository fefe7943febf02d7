"""What is asked of a model and what it answers, in the words of OpenTelemetry's GenAI conventions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from decimal import Decimal
from typing import TypeAlias

from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.frozen import frozen
from tracelm.pricing.cost import Usage

Message: TypeAlias = dict[str, object]
Content: TypeAlias = Callable[[], Sequence[Message]]


@frozen
class Request:
    """What is known before the model is called.

    What holds content is made by functions, which are only called where content is recorded.

    Attributes:
        operation: `gen_ai.operation.name`; `None` for a call for which the conventions have no name.
        title: What the span's name begins with where there is no operation.
        provider: `gen_ai.provider.name`.
        model: The model asked for, if the request names one.
        attributes: All other attributes that hold no content.
        messages: Makes `gen_ai.input.messages`.
        tools: Makes `gen_ai.tool.definitions`.
        instructions: Makes `gen_ai.system_instructions`.
        content: Makes other attributes that hold content, by name.
        reports_usage: Whether the reply will say how many tokens it took; not every stream does.
        by_framework: Whether a framework asks, which only guesses the provider: that a call further in names is right.
        part_is_lost: Whether of a stream that is left only a call further in knows what had come.
    """

    operation: str | None
    title: str = ""
    provider: str
    model: str | None
    attributes: Mapping[str, AttributeValue]
    messages: Content = tuple
    tools: Content = tuple
    instructions: Content = tuple
    content: Mapping[str, Callable[[], object]] = field(default_factory=dict[str, Callable[[], object]])
    reports_usage: bool = True
    by_framework: bool = False
    part_is_lost: bool = False

    @property
    def kind(self) -> str:
        """What is done: the operation, or what stands for it."""
        return self.operation or self.title

    @property
    def name(self) -> str:
        """The name of the span."""
        kind = self.operation or self.title
        return f"{kind} {self.model}" if self.model else kind

    def known(self) -> dict[str, AttributeValue]:
        """Return all attributes without content."""
        found: dict[str, AttributeValue] = {}
        if self.operation:
            found[semconv.OPERATION_NAME] = self.operation
        found[semconv.PROVIDER_NAME] = self.provider
        if self.model:
            found[semconv.REQUEST_MODEL] = self.model
        found.update(self.attributes)
        return found

    def said(self) -> dict[str, Callable[[], object]]:
        """Return what makes the attributes with content."""
        return {
            semconv.SYSTEM_INSTRUCTIONS: self.instructions,
            semconv.INPUT_MESSAGES: self.messages,
            semconv.TOOL_DEFINITIONS: self.tools,
            **self.content,
        }


@frozen
class Failure:
    """Why a reply that came whole is none: the provider says that the model failed.

    Attributes:
        kind: `error.type`: the provider's code.
        message: What the provider says of it; it may quote content.
    """

    kind: str
    message: str = ""


@frozen
class Reply:
    """What the model answered, as far as it did.

    Attributes:
        id: The provider's id of the reply.
        model: The model that answered.
        finish_reasons: Why each choice ended, as the provider says it; `error` for one that did not end.
        usage: Its tokens.
        service_tier: In which tier the provider served it; some cost more than others.
        framework_usd: What a framework that asked says that it cost, in US dollars: a price list of its own.
        failure: Why it failed, where no exception says so.
        attributes: Attributes of this kind of call, or of this provider alone.
        messages: Makes `gen_ai.output.messages`. Only called where content is recorded, as is the next.
        content: Makes other attributes that hold content, by name.
    """

    id: str | None = None
    model: str | None = None
    finish_reasons: Sequence[str] = ()
    usage: Usage = field(default_factory=Usage)
    service_tier: str | None = None
    framework_usd: Decimal | None = None
    failure: Failure | None = None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict[str, AttributeValue])
    messages: Content = tuple
    content: Mapping[str, Callable[[], object]] = field(default_factory=dict[str, Callable[[], object]])

    def facts(self) -> dict[str, AttributeValue]:
        """Return the attributes without content that many replies have in the same way."""
        found = dict(self.attributes)
        if self.model:
            found[semconv.RESPONSE_MODEL] = self.model
        if self.finish_reasons:
            found[semconv.RESPONSE_FINISH_REASONS] = tuple(self.finish_reasons)
        return found

    def known(self) -> dict[str, AttributeValue]:
        """Return all attributes without content."""
        found = {**self.facts(), **self.usage.attributes()}
        if self.usage.not_counted:
            found[semconv.USAGE_NOT_COUNTED] = self.usage.not_counted
        return found | {semconv.RESPONSE_ID: self.id} if self.id else found

    def said(self) -> dict[str, Callable[[], object]]:
        """Return what makes the attributes with content."""
        return {semconv.OUTPUT_MESSAGES: self.messages, **self.content}
