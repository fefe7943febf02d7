import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, test } from "vitest";

import type { TreeLine } from "../src/api/client";
import { divided, foundIn, Marked } from "../src/parts/Marked";
import { JsonTree } from "../src/parts/JsonTree";
import { LongText, Text } from "../src/parts/Text";
import { Value } from "../src/parts/Value";
import { Chat } from "../src/trace/Chat";
import { dataUrl, readMessages } from "../src/trace/messages";
import { closedBelow, kindOf, open, parentOf, type Place, placesIn, placesOf, siblingOf } from "../src/trace/tree";

/** A span with what the tree looks at. */
function line(number: number, depth: number, children = 0): TreeLine {
  const looked: Partial<TreeLine> = {
    project: "p",
    span_id: String(number).padStart(16, "0"),
    name: `span ${number}`,
    start_ns: String(1_795_000_000_000_000_000n + BigInt(number)),
    duration_ns: 5,
    depth,
    child_count: children,
  };
  return looked as TreeLine;
}

describe("the tree", () => {
  const places = placesOf([line(1, 0, 2), line(2, 1, 1), line(3, 2), line(4, 1), line(5, 0)]);
  const names = (found: readonly Place[]) => found.map((each) => `span ${Number(each.spanId)}`);

  test("an outline has the same places as the lines, and tells which project each is of", () => {
    const outline = {
      span_ids: places.map((each) => each.spanId),
      depths: places.map((each) => each.depth),
      child_counts: places.map((each) => each.children),
      projects: ["p"],
      owners: [],
    };
    expect(placesIn(outline)).toEqual(places);
    const owned = placesIn({ ...outline, projects: ["p", "other"], owners: [0, 1, 0, 0, 0] });
    expect(owned.map((each) => each.key.split("/")[0])).toEqual(["p", "other", "p", "p", "p"]);
  });

  test("a closed span hides all below it, and nothing beside it", () => {
    expect(names(open(places, new Set([places[1]!.key])))).toEqual(["span 1", "span 2", "span 4", "span 5"]);
    expect(names(open(places, new Set([places[0]!.key, places[1]!.key])))).toEqual(["span 1", "span 5"]);
    expect(names(open(places, new Set()))).toHaveLength(5);
  });

  test("the parent of a line is found also when lines are closed", () => {
    expect([0, 1, 2, 3, 4].map((index) => parentOf(places, index))).toEqual([-1, 0, 1, 0, -1]);
    expect(closedBelow(places, 1)).toEqual(new Set([places[1]!.key]));
  });

  test("a sibling stands in the same span", () => {
    expect([0, 1, 2, 3, 4].map((index) => siblingOf(places, index, 1))).toEqual([4, 3, -1, -1, -1]);
    expect([0, 1, 2, 3, 4].map((index) => siblingOf(places, index, -1))).toEqual([-1, -1, -1, 1, 0]);
  });

  test("the kind of a span is that of its operation", () => {
    const kind = (operation: string | null, op: string | null = null, name = "") => kindOf({ operation, op, name });
    expect([kind("chat"), kind("execute_tool"), kind("invoke_agent"), kind(null, "f"), kind(null), kind(null, null, "judge tone")]).toEqual([
      "model", "tool", "agent", "op", "other", "judge",
    ]); // prettier-ignore
  });
});

describe("text from a trace", () => {
  test("is never HTML", () => {
    const { container } = render(<Text value={"<img src=x onerror=alert(1)>"} />);
    expect(container.querySelector("img")).toBeNull();
    expect(container.textContent).toBe("<img src=x onerror=alert(1)>");
  });

  test("shows what hides", () => {
    render(<Text value={"safe\u202etxt.exe"} />);
    expect(screen.getByText("U+202E").title).toBe("U+202E, right-to-left override");
  });

  test("that is long is shown piece by piece", async () => {
    const { container } = render(<LongText value={"x".repeat(50_000)} />);
    expect(container.textContent!.length).toBeLessThan(21_000);
    await userEvent.click(screen.getByRole("button", { name: /Show more \(30,000/ }));
    expect(container.textContent).toHaveLength(50_000);
  });
});

describe("messages", () => {
  const messages = readMessages(
    JSON.stringify([
      { role: "user", parts: [{ type: "text", content: "Hello" }, { type: "uri", modality: "image", uri: "http://x/y.png" }] },
      { role: "assistant", parts: [{ type: "tool_call", id: "c1", name: "look_up", arguments: '{"number": 7}' }], finish_reason: "length" },
      { role: "tool", parts: [{ type: "tool_call_response", id: "c1", response: { state: "sent" } }] },
      { role: "assistant", parts: [{ type: "hologram", beam: 1 }, "plain"] },
    ]),
  )!;

  test("are read part by part; what is unknown is kept", () => {
    expect(messages.map((each) => each.parts.map((part) => part.type))).toEqual([
      ["text", "reference"],
      ["tool_call"],
      ["tool_response"],
      ["other", "text"],
    ]);
  });

  test("are shown with roles, calls and results, and nothing is fetched from elsewhere", () => {
    const { container } = render(<Chat messages={messages} />);
    expect(screen.getAllByRole("article")).toHaveLength(4);
    const call = screen.getAllByRole("article")[1]!;
    expect(within(call).getByText("look_up")).toBeTruthy();
    expect(within(call).getByText("7")).toBeTruthy();
    expect(within(call).getByText("ended by: length")).toBeTruthy();
    expect(container.querySelectorAll("img, a, audio")).toHaveLength(0);
  });

  test("that are none are not taken for some", () => {
    expect([readMessages("text"), readMessages("[1, 2]"), readMessages(7), readMessages("[")]).toEqual([
      undefined, undefined, undefined, undefined,
    ]); // prettier-ignore
  });

  test("only pixels and sound become data URLs", () => {
    const kinds = ["image/png", "image/svg+xml", "text/html", "audio/wav", null];
    expect(kinds.map((mimeType) => dataUrl({ mimeType, base64: "AAAA" })?.kind ?? null)).toEqual([
      "image", null, null, "audio", null,
    ]); // prettier-ignore
    expect(dataUrl({ mimeType: "image/png", base64: "'><script>" })).toBeNull();
  });
});

describe("what was found in a text", () => {
  test("is marked by characters as Python counts them", () => {
    expect(divided("👍 call 0187", [{ start: 7, end: 11, type: "PHONE" }])).toEqual([
      { text: "👍 call ", type: null },
      { text: "0187", type: "PHONE" },
    ]);
  });

  test("overlaps become one, and what lies outside is left out", () => {
    const found = [{ start: 0, end: 3, type: "A" }, { start: 1, end: 2, type: "B" }, { start: 4, end: 99, type: "C" }]; // prettier-ignore
    expect(divided("abcdef", found).map((part) => part.type)).toEqual(["A", null]);
    const { container } = render(<Marked text="abcdef" found={found} />);
    expect(container.querySelectorAll("mark")).toHaveLength(1);
  });

  test("is read with care", () => {
    expect(foundIn('[{"start": 1, "end": 2, "type": "X"}, {"start": 2, "end": 1}, null, 7]')).toEqual([{ start: 1, end: 2, type: "X" }]);
    expect([foundIn("{"), foundIn(null), foundIn({})]).toEqual([[], [], []]);
  });
});

describe("a value", () => {
  test("that is JSON is a tree, with its raw form at hand", async () => {
    render(<Value value={'{"a": {"b": 1}}'} />);
    expect(screen.getByText("1")).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: "Raw" }));
    expect(screen.getByText('{"a": {"b": 1}}')).toBeTruthy();
  });

  test("that is a JSON text is shown as the text", () => {
    render(<Value value={'"say \\"hi\\""'} isJson />);
    expect(screen.getByText('say "hi"')).toBeTruthy();
  });

  test("opens and closes, and large lists come in parts", async () => {
    render(<JsonTree value={{ list: Array.from({ length: 250 }, (_, n) => n + 1000) }} />);
    expect(screen.queryByText("1000")).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: /list/ }));
    expect(screen.getByText("1000")).toBeTruthy();
    expect(screen.queryByText("1200")).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: /Show more/ }));
    expect(screen.getByText("1200")).toBeTruthy();
  });

  test("is searched, with the place of each match", async () => {
    render(<JsonTree value={Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`key${n}`, { word: `value ${n}` }]))} />);
    await userEvent.type(screen.getByRole("searchbox"), "value 13");
    expect(screen.getByText("key13.word")).toBeTruthy();
    expect(screen.getByText("1 match")).toBeTruthy();
  });
});
