// OpenTelemetry's SDK for JavaScript, which sends OTLP/JSON; the span is made by hand, in the names of 1.36 and before.
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { SpanKind } from '@opentelemetry/api'

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'shop' }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
})
const tracer = provider.getTracer('by-hand', '1.0')
const span = tracer.startSpan('chat gpt-4o-mini', {
  kind: SpanKind.CLIENT,
  attributes: {
    'gen_ai.system': 'openai',
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'gpt-4o-mini',
    'gen_ai.request.temperature': 0.1,
  },
})
span.addEvent('gen_ai.user.message', { 'gen_ai.system': 'openai', content: 'Hello!' })
span.addEvent('gen_ai.choice', {
  'gen_ai.system': 'openai',
  index: 0,
  finish_reason: 'stop',
  message: JSON.stringify({ role: 'assistant', content: 'Hello! How can I assist you today?' }),
})
span.setAttributes({
  'gen_ai.response.model': 'gpt-4o-mini-2024-07-18',
  'gen_ai.response.finish_reasons': ['stop'],
  'gen_ai.usage.prompt_tokens': 9,
  'gen_ai.usage.completion_tokens': 10,
})
span.end()
await provider.shutdown()
