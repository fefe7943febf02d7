// The Vercel AI SDK with its own telemetry, sent as protobuf by OpenTelemetry's SDK for JavaScript.
import { readFileSync } from 'node:fs'
import { createOpenAI } from '@ai-sdk/openai'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { generateText, jsonSchema, streamText, tool } from 'ai'

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'shop' }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
})
provider.register()
const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL, apiKey: 'test' })

for (const [name, recording] of Object.entries(JSON.parse(process.env.SCENARIOS))) {
  const asked = JSON.parse(readFileSync(`${process.env.RECORDINGS}/${recording}.json`)).request.body
  const names = {}
  const messages = asked.messages.map((message) => {
    if (message.role === 'tool') {
      const output = { type: 'text', value: message.content }
      return {
        role: 'tool',
        content: [
          { type: 'tool-result', toolCallId: message.tool_call_id, toolName: names[message.tool_call_id], output },
        ],
      }
    }
    if (!message.tool_calls) return message
    const content = message.tool_calls.map((call) => {
      names[call.id] = call.function.name
      return {
        type: 'tool-call',
        toolCallId: call.id,
        toolName: call.function.name,
        input: JSON.parse(call.function.arguments),
      }
    })
    return { role: 'assistant', content }
  })
  const tools = Object.fromEntries(
    (asked.tools ?? []).map(({ function: described }) => [
      described.name,
      tool({ description: described.description, inputSchema: jsonSchema(described.parameters) }),
    ]),
  )
  const options = {
    model: openai.chat(asked.model),
    messages,
    tools,
    temperature: asked.temperature,
    headers: { 'x-recording-id': recording },
    experimental_telemetry: {
      isEnabled: true,
      functionId: name,
      metadata: { sessionId: 's-1', userId: 'u-1', tags: ['first', 'second'], plan: 'pro' },
    },
  }
  if (asked.stream) await streamText(options).consumeStream()
  else await generateText(options)
}
await provider.shutdown()
