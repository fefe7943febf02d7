"""Every attribute key that tracelm writes.

The `gen_ai.*` names are those of OpenTelemetry's GenAI conventions (newest state); `input.value` and
`output.value` are OpenInference's, because other backends read them. Names under `tracelm.*` are ours.
The constants stand here because OpenTelemetry's own Python package has frozen its copies. What others call the same
stands in the tables of `tracelm.otlp.dialects`.
"""

from typing import Final

# --- what an op records -------------------------------------------------------------------------------------
INPUT_VALUE: Final = "input.value"
INPUT_MIME_TYPE: Final = "input.mime_type"
OUTPUT_VALUE: Final = "output.value"
OUTPUT_MIME_TYPE: Final = "output.mime_type"
OP_NAME: Final = "tracelm.op.name"
OP_VERSION: Final = "tracelm.op.version"
OUTCOME: Final = "tracelm.outcome"
CODE_FUNCTION_NAME: Final = "code.function.name"
CODE_FILE_PATH: Final = "code.file.path"
CODE_LINE_NUMBER: Final = "code.line.number"
ERROR_TYPE: Final = "error.type"

# --- whose span it is ---------------------------------------------------------------------------------------
SERVICE_NAME: Final = "service.name"
PROJECT: Final = "tracelm.project"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
SESSION_ID: Final = "session.id"
USER_ID: Final = "user.id"
RELEASE: Final = "service.version"
ENVIRONMENTS: Final = ("deployment.environment.name", "deployment.environment")  # the second until 2024
TAGS: Final = "tracelm.tags"
METADATA: Final = "tracelm.metadata"  # only in what is shown: a map of what a dialect has beside its own names

# --- a call of a model --------------------------------------------------------------------------------------
OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_TOP_K: Final = "gen_ai.request.top_k"
REQUEST_FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
REQUEST_PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
REQUEST_STOP_SEQUENCES: Final = "gen_ai.request.stop_sequences"
REQUEST_SEED: Final = "gen_ai.request.seed"
REQUEST_CHOICE_COUNT: Final = "gen_ai.request.choice.count"
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
REQUEST_PREVIOUS_RESPONSE_ID: Final = "gen_ai.request.previous_response.id"
REQUEST_STREAM_CURSOR: Final = "gen_ai.request.stream_cursor"
REQUEST_ENCODING_FORMATS: Final = "gen_ai.request.encoding_formats"
OUTPUT_TYPE: Final = "gen_ai.output.type"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_STATUS: Final = "gen_ai.response.status"
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
RESPONSE_CACHED: Final = "tracelm.response.cached"
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
PROMPT_NAME: Final = "gen_ai.prompt.name"
PROMPT_VERSION: Final = "gen_ai.prompt.version"
PROMPT_VARIABLE: Final = "gen_ai.prompt.variable"
CONVERSATION_COMPACTED: Final = "gen_ai.conversation.compacted"
EMBEDDINGS_DIMENSION_COUNT: Final = "gen_ai.embeddings.dimension.count"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
INPUT_TEXT_TOKENS: Final = "gen_ai.usage.text.input_tokens"
INPUT_IMAGE_TOKENS: Final = "gen_ai.usage.image.input_tokens"
INPUT_AUDIO_TOKENS: Final = "gen_ai.usage.audio.input_tokens"
OUTPUT_TEXT_TOKENS: Final = "gen_ai.usage.text.output_tokens"
OUTPUT_IMAGE_TOKENS: Final = "gen_ai.usage.image.output_tokens"
OUTPUT_AUDIO_TOKENS: Final = "gen_ai.usage.audio.output_tokens"
CACHE_READ_TEXT_TOKENS: Final = "gen_ai.usage.text.cache_read.input_tokens"
CACHE_READ_IMAGE_TOKENS: Final = "gen_ai.usage.image.cache_read.input_tokens"
CACHE_READ_AUDIO_TOKENS: Final = "gen_ai.usage.audio.cache_read.input_tokens"
# What is billed, and has no name in the conventions.
CACHE_WRITE_1H_TOKENS: Final = "tracelm.usage.cache_write_1h.input_tokens"
INPUT_SECONDS: Final = "tracelm.usage.input_seconds"
INPUT_CHARACTERS: Final = "tracelm.usage.input_characters"
IMAGES: Final = "tracelm.usage.images"
WEB_SEARCHES: Final = "tracelm.usage.web_searches"
FILE_SEARCHES: Final = "tracelm.usage.file_searches"
USAGE_NOT_COUNTED: Final = "tracelm.usage.not_counted"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
HTTP_RESEND_COUNT: Final = "http.request.resend_count"
AZURE_NAMESPACE: Final = "azure.resource_provider.namespace"
OPENAI_API_TYPE: Final = "openai.api.type"
OPENAI_REQUEST_SERVICE_TIER: Final = "openai.request.service_tier"
OPENAI_RESPONSE_SERVICE_TIER: Final = "openai.response.service_tier"
OPENAI_RESPONSE_SYSTEM_FINGERPRINT: Final = "openai.response.system_fingerprint"
# The first is the name that the spans of Anthropic's own client have for it; they have none for the second.
ANTHROPIC_RESPONSE_SERVICE_TIER: Final = "anthropic.response.service_tier"
ANTHROPIC_RESPONSE_SPEED: Final = "anthropic.response.speed"
AWS_BEDROCK_GUARDRAIL_ID: Final = "aws.bedrock.guardrail.id"
STREAM_OUTCOME: Final = "tracelm.stream.outcome"
METERED_SIDE: Final = "gen_ai.token.type"
METERED_MODALITY: Final = "gen_ai.token.modality"
DETAILS_EVENT: Final = "gen_ai.client.inference.operation.details"
EXCEPTION_EVENT: Final = "gen_ai.client.operation.exception"
USAGE_ESTIMATED: Final = "tracelm.usage.estimated"
STREAM_CUT: Final = "tracelm.stream.cut"

# --- what it cost (the first three are proposed to the conventions) -----------------------------------------
COST_AMOUNT: Final = "gen_ai.usage.cost.amount"
COST_CURRENCY: Final = "gen_ai.usage.cost.currency"
COST_SOURCE: Final = "gen_ai.usage.cost.source"
COST_RULE: Final = "tracelm.cost.rule"
COST_PRICE_VERSION: Final = "tracelm.cost.price_version"
COST_RATES: Final = "tracelm.cost.rates"
COST_COMPUTED: Final = "tracelm.cost.computed_usd"
COST_FRAMEWORK: Final = "tracelm.cost.framework_usd"
COST_BUCKETS: Final = {
    "input": "tracelm.cost.input_usd",
    "input_image": "tracelm.cost.input_image_usd",
    "input_audio": "tracelm.cost.input_audio_usd",
    "cache_read": "tracelm.cost.cache_read_usd",
    "cache_read_image": "tracelm.cost.cache_read_image_usd",
    "cache_read_audio": "tracelm.cost.cache_read_audio_usd",
    "cache_write": "tracelm.cost.cache_write_usd",
    "cache_write_1h": "tracelm.cost.cache_write_1h_usd",
    "output": "tracelm.cost.output_usd",
    "reasoning": "tracelm.cost.reasoning_usd",
    "output_image": "tracelm.cost.output_image_usd",
    "output_audio": "tracelm.cost.output_audio_usd",
    "input_seconds": "tracelm.cost.input_seconds_usd",
    "input_characters": "tracelm.cost.input_characters_usd",
    "images": "tracelm.cost.images_usd",
    "web_searches": "tracelm.cost.web_searches_usd",
    "file_searches": "tracelm.cost.file_searches_usd",
    "request": "tracelm.cost.request_usd",
}
"""What an amount is the sum of."""
# Only in what the store gives back, of a span whose cost was computed anew.
COST_REPRICED_AT: Final = "tracelm.cost.repriced_at_ns"
COST_RECORDED: Final = "tracelm.cost.recorded.amount_usd"
COST_RECORDED_RULE: Final = "tracelm.cost.recorded.rule"
COST_RECORDED_PRICE_VERSION: Final = "tracelm.cost.recorded.price_version"

# --- a request of the Model Context Protocol -----------------------------------------------------------------
MCP_METHOD: Final = "mcp.method.name"
MCP_PROTOCOL_VERSION: Final = "mcp.protocol.version"
MCP_SESSION_ID: Final = "mcp.session.id"
MCP_RESOURCE_URI: Final = "mcp.resource.uri"
JSONRPC_REQUEST_ID: Final = "jsonrpc.request.id"
RPC_STATUS_CODE: Final = "rpc.response.status_code"
NETWORK_TRANSPORT: Final = "network.transport"
NETWORK_PROTOCOL: Final = "network.protocol.name"
CLIENT_ADDRESS: Final = "client.address"
CLIENT_PORT: Final = "client.port"

# --- a tool, agent, workflow or retrieval -------------------------------------------------------------------
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
TOOL_DESCRIPTION: Final = "gen_ai.tool.description"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
TOOL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_RESULT: Final = "gen_ai.tool.call.result"
RETRIEVAL_TOP_K: Final = "gen_ai.retrieval.top_k"
RETRIEVAL_QUERY: Final = "gen_ai.retrieval.query.text"
RETRIEVAL_DOCUMENTS: Final = "gen_ai.retrieval.documents"
AGENT_NAME: Final = "gen_ai.agent.name"
AGENT_DESCRIPTION: Final = "gen_ai.agent.description"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
HANDOFF_FROM: Final = "tracelm.handoff.from_agent"
HANDOFF_TO: Final = "tracelm.handoff.to_agent"
GUARDRAIL_TRIGGERED: Final = "tracelm.guardrail.triggered"  # of a framework's own guardrail, on its span

# --- a score: log record `gen_ai.evaluation.result` ---------------------------------------------------------
EVALUATION_EVENT: Final = "gen_ai.evaluation.result"
EVALUATION_NAME: Final = "gen_ai.evaluation.name"
SCORE_VALUE: Final = "gen_ai.evaluation.score.value"
SCORE_LABEL: Final = "gen_ai.evaluation.score.label"
SCORE_EXPLANATION: Final = "gen_ai.evaluation.explanation"
SCORE_PASSED: Final = "tracelm.score.passed"
SCORE_SOURCE: Final = "tracelm.score.source"
SCORE_AUTHOR: Final = "tracelm.score.author"
SCORE_DETAILS: Final = "tracelm.score.details"
SCORE_WEIGHT: Final = "tracelm.score.weight"
MONITOR_NAME: Final = "tracelm.monitor.name"
SCORER_VERSION: Final = "tracelm.scorer.version"
JUDGE_NAME: Final = "tracelm.judge.name"
LOG_RECORD_UID: Final = "log.record.uid"

# --- a guardrail's decision: log record ---------------------------------------------------------------------
DECISION_EVENT: Final = "tracelm.guardrail.decision"
GUARDRAIL_NAME: Final = "tracelm.guardrail.name"
GUARDRAIL_INTENDED: Final = "tracelm.guardrail.action.intended"
GUARDRAIL_TAKEN: Final = "tracelm.guardrail.action.taken"
GUARDRAIL_OUTCOME: Final = "tracelm.guardrail.outcome"
GUARDRAIL_LATENCY: Final = "tracelm.guardrail.latency_s"
GUARDRAIL_SPANS: Final = "tracelm.guardrail.spans"
GUARDRAIL_FOUND: Final = "tracelm.guardrail.found"
GUARDRAIL_SIDE: Final = "tracelm.guardrail.side"
GUARDRAIL_ATTEMPT: Final = "tracelm.guardrail.attempt"
GUARDRAIL_CHECKS: Final = "tracelm.guardrail.checks"
POLICY_NAME: Final = "tracelm.guardrail.policy.name"
POLICY_VERSION: Final = "tracelm.guardrail.policy.version"
POLICY_DIGEST: Final = "tracelm.guardrail.policy.digest"

# --- an evaluation ------------------------------------------------------------------------------------------
RUN_ID: Final = "tracelm.run.id"
RUN_NAME: Final = "tracelm.run.name"
RUN_ROWS: Final = "tracelm.run.rows"
RUN_TRIALS: Final = "tracelm.run.trials"
RUN_LOWER_IS_BETTER: Final = "tracelm.run.lower_is_better"
ROW_DIGEST: Final = "tracelm.row.digest"
ROW_INDEX: Final = "tracelm.row.index"
ROW_OUTCOME: Final = "tracelm.row.outcome"
TRIAL: Final = "tracelm.trial"
DATASET_NAME: Final = "tracelm.dataset.name"
DATASET_DIGEST: Final = "tracelm.dataset.digest"
DATASET_VERSION: Final = "tracelm.dataset.version"
STARTED_EVENT: Final = "tracelm.evaluation.started"
RUN_PROVENANCE: Final = "tracelm.run.provenance"
RUN_STOPPED: Final = "tracelm.run.stopped"
TASK_NAME: Final = "tracelm.task.name"
TASK_VERSION: Final = "tracelm.task.version"
ROW_ERROR: Final = "tracelm.row.error"
ROW_LATENCY: Final = "tracelm.row.latency_s"
ROW_COST: Final = "tracelm.row.cost_usd"
ROW_ATTEMPTS: Final = "tracelm.row.attempts"
ROW_OUTPUT_EXACT: Final = "tracelm.row.output_exact"
ROW_OUTPUT_FROM: Final = "tracelm.row.output_from"

# --- a training, and the model that comes of it -------------------------------------------------------------
TRAINING_ID: Final = "tracelm.training.id"
TRAINING_NAME: Final = "tracelm.training.name"
TRAINING_OUTCOME: Final = "tracelm.training.outcome"
TRAINING_SETTINGS: Final = "tracelm.training.settings"
TRAINING_STEPS: Final = "tracelm.training.steps"
TRAINING_STEPS_PLANNED: Final = "tracelm.training.steps_planned"
TRAINING_EPOCHS: Final = "tracelm.training.epochs"
TRAINING_LOSS: Final = "tracelm.training.loss"
TRAINING_EVAL_LOSS: Final = "tracelm.training.eval_loss"
TRAINING_LEARNING_RATE: Final = "tracelm.training.learning_rate"
TRAINING_GRAD_NORM: Final = "tracelm.training.grad_norm"
TRAINING_TOKENS: Final = "tracelm.training.tokens"
TRAINING_GPU_MEMORY: Final = "tracelm.training.gpu_memory_peak_bytes"
TRAINING_CURVE: Final = "tracelm.training.curve"
TRAINING_EVALUATION: Final = "tracelm.training.evaluation"  # an event of the span
TRAINING_RESUMED_FROM: Final = "tracelm.training.resumed_from"
TRAINING_RESUMED_STEP: Final = "tracelm.training.resumed_from_step"
MODEL_NAME: Final = "tracelm.model.name"
MODEL_VERSION: Final = "tracelm.model.version"
MODEL_DIGEST: Final = "tracelm.model.digest"
MODEL_BASE: Final = "tracelm.model.base"

MIME_JSON: Final = "application/json"

MODEL_OPERATIONS: Final = frozenset({"chat", "text_completion", "generate_content", "embeddings"})
"""Operations whose tokens and cost count in a total; agents and workflows repeat what their children report."""
