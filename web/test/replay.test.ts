import { expect, test } from "vitest";

import { literal, replay } from "../src/trace/replay";
import { columnsOf, fileColumns, textOf } from "../src/traces/columns";
import { readViews } from "../src/traces/views";

test("a literal is what Python reads, and hides nothing", () => {
  expect(literal({ a: [1, 2.5, true, null], 'b"': "x\ny" })).toBe('{"a": [1, 2.5, True, None], "b\\"": "x\\ny"}');
  expect(literal("safe\u202etxt \u{e0041}\ud800 ü 😀")).toBe('"safe\\u202etxt \\U000e0041\\ud800 ü 😀"');
  expect(literal(12345678901234567890n)).toBe("12345678901234567890");
});

test("a chat becomes a call of the client, tools and their results with it", () => {
  const code = replay(
    { operation: "chat", op: null },
    {
      "gen_ai.request.model": "gpt-4o-mini",
      "gen_ai.request.temperature": 0,
      "server.address": "127.0.0.1",
      "server.port": 8080,
      "gen_ai.input.messages": [
        { role: "user", parts: [{ type: "text", content: "Where is order 7?" }] },
        { role: "assistant", parts: [{ type: "tool_call", id: "c1", name: "look_up", arguments: { number: 7 } }] },
        { role: "tool", parts: [{ type: "tool_call_response", id: "c1", response: { state: "sent" } }] },
      ],
    },
  );
  expect(code).toBe(`import openai

client = openai.OpenAI(base_url="http://127.0.0.1:8080/v1")
reply = client.chat.completions.create(
    model="gpt-4o-mini",
    messages=[
        {"role": "user", "content": "Where is order 7?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "look_up", "arguments": "{\\"number\\":7}"},
                },
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "{\\"state\\":\\"sent\\"}"},
    ],
    temperature=0,
)
print(reply.choices[0].message)
`);
});

test("an op is called with its arguments, and a name that is none makes no code", () => {
  const op = { operation: null, op: "answer" };
  const where = { "code.function.name": "answer", "code.file.path": "/srv/support.py" };
  expect(replay(op, { ...where, "input.value": '{"question":"Who?"}' })).toBe('from support import answer\n\nanswer(\n    question="Who?",\n)\n');
  expect(replay(op, { ...where, "input.value": '{"x=1)\\nimport os  #":1}' })).toBeNull();
  expect(replay(op, { ...where, "code.function.name": "os; evil", "input.value": "{}" })).toBeNull();
  expect(replay(op, { ...where, "code.file.path": "/srv/import.py", "input.value": "{}" })).toBeNull();
});

test("columns stand in the address unless they are the usual ones; a name in it that is none is passed over", () => {
  expect(columnsOf(undefined).map((each) => each.id)).toEqual(["start", "name", "input", "output", "latency", "spans", "tokens", "cost"]);
  expect(columnsOf("cost,start,nonsense").map((each) => each.id)).toEqual(["start", "name", "cost"]);
  expect(textOf(["cost", "user"])).toBe("user,cost");
  expect(textOf(columnsOf(undefined).map((each) => each.id))).toBeUndefined();
  expect(fileColumns(columnsOf("start,latency")).map((each) => each.name)).toEqual(["trace_id", "project", "status", "start_ns", "name", "latency_s"]);
});

test("views of another form are left out", () => {
  expect(readViews('[{"name":"slow","search":{"where":"latency>2s","live":"off","sort":7}},{"name":3},null]')).toEqual([{ name: "slow", search: { where: "latency>2s" } }]);
  expect(readViews("not JSON")).toEqual([]);
});
