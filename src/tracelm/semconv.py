"""Every attribute key that tracelm writes.

The `gen_ai.*` names are those of OpenTelemetry's GenAI conventions (newest state); `input.value` and
`output.value` are OpenInference's, because other backends read them. Names under `tracelm.*` are ours.
The constants stand here because OpenTelemetry's own Python package has frozen its copies.
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

# --- a call of a model --------------------------------------------------------------------------------------
OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
REQUEST_PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
REQUEST_STOP_SEQUENCES: Final = "gen_ai.request.stop_sequences"
REQUEST_SEED: Final = "gen_ai.request.seed"
REQUEST_CHOICE_COUNT: Final = "gen_ai.request.choice.count"
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
OUTPUT_TYPE: Final = "gen_ai.output.type"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
OPENAI_API_TYPE: Final = "openai.api.type"
OPENAI_REQUEST_SERVICE_TIER: Final = "openai.request.service_tier"
OPENAI_RESPONSE_SERVICE_TIER: Final = "openai.response.service_tier"
OPENAI_RESPONSE_SYSTEM_FINGERPRINT: Final = "openai.response.system_fingerprint"
STREAM_OUTCOME: Final = "tracelm.stream.outcome"
STREAM_CUT: Final = "tracelm.stream.cut"

# --- what it cost (the first three are proposed to the conventions) -----------------------------------------
COST_AMOUNT: Final = "gen_ai.usage.cost.amount"
COST_CURRENCY: Final = "gen_ai.usage.cost.currency"
COST_SOURCE: Final = "gen_ai.usage.cost.source"
COST_RULE: Final = "tracelm.cost.rule"
COST_PRICE_VERSION: Final = "tracelm.cost.price_version"
COST_INPUT: Final = "tracelm.cost.input_usd"
COST_CACHE_READ: Final = "tracelm.cost.cache_read_usd"
COST_CACHE_WRITE: Final = "tracelm.cost.cache_write_usd"
COST_OUTPUT: Final = "tracelm.cost.output_usd"
COST_REQUEST: Final = "tracelm.cost.request_usd"

# --- a tool, agent, workflow or retrieval -------------------------------------------------------------------
TOOL_NAME: Final = "gen_ai.tool.name"
AGENT_NAME: Final = "gen_ai.agent.name"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"

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
SCORER_VERSION: Final = "tracelm.scorer.version"
LOG_RECORD_UID: Final = "log.record.uid"

# --- a guardrail's decision: log record ---------------------------------------------------------------------
DECISION_EVENT: Final = "tracelm.guardrail.decision"
GUARDRAIL_NAME: Final = "tracelm.guardrail.name"
GUARDRAIL_INTENDED: Final = "tracelm.guardrail.action.intended"
GUARDRAIL_TAKEN: Final = "tracelm.guardrail.action.taken"
GUARDRAIL_OUTCOME: Final = "tracelm.guardrail.outcome"
GUARDRAIL_LATENCY: Final = "tracelm.guardrail.latency_s"
GUARDRAIL_SPANS: Final = "tracelm.guardrail.spans"

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

MIME_JSON: Final = "application/json"

MODEL_OPERATIONS: Final = frozenset({"chat", "text_completion", "generate_content", "embeddings"})
"""Operations whose tokens and cost count in a total; agents and workflows repeat what their children report."""
