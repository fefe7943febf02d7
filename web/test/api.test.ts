import { afterEach, describe, expect, test, vi } from "vitest";

import { get, keepCsrfToken, Problem, send } from "../src/api/client";

describe("a request", () => {
  afterEach(() => vi.unstubAllGlobals());

  const answers = (body: string, status = 200) => {
    const fetched = vi.fn(async (_url: string, _init: RequestInit) => new Response(body, { status }));
    vi.stubGlobal("fetch", fetched);
    return fetched;
  };

  test("has its parameters in the address, escaped, and without those that are not known", async () => {
    const fetched = answers('{"items": [], "next": null}');
    await get("/api/v1/runs/{run_id}/rows", { project: "a&b", outcome: undefined, after: null }, { run_id: "../x" });
    expect(fetched.mock.calls[0]![0]).toBe("/api/v1/runs/..%2Fx/rows?project=a%26b");
    await get("/api/v1/complete", { text: "", position: 0 });
    expect(fetched.mock.calls[1]![0]).toBe("/api/v1/complete?text=&position=0");
  });

  test("that is refused says where a filter is bad", async () => {
    answers('{"title": "Bad Request", "status": 400, "detail": "no such field", "position": 3, "length": 2}', 400);
    const error = await get("/api/v1/traces", {}).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({ status: 400, detail: "no such field", position: 3, length: 2 });
  });

  test("that nobody answers says what to look after", async () => {
    vi.stubGlobal("fetch", vi.fn(() => Promise.reject(new TypeError("failed to fetch"))));
    await expect(get("/api/v1/traces", {})).rejects.toThrow("is `tracelm serve` still running?");
  });

  test("that changes something shows the token of the session", async () => {
    const fetched = answers("{}", 201);
    keepCsrfToken("token");
    await send("POST", "/api/v1/scores", { value: true });
    expect(fetched.mock.calls[0]![1].headers).toMatchObject({ "x-csrf-token": "token", "content-type": "application/json" });
  });
});
