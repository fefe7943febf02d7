/** The server's API, typed by its own description. */
import { parseExact } from "../format/json";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type TraceLine = Schemas["TraceLine"];
export type SpanLine = Schemas["SpanLine"];
export type TreeLine = Schemas["TreeLine"];
export type SpanDetail = Schemas["SpanDetail"];
export type ScoreLine = Schemas["ScoreLine"];
export type DecisionLine = Schemas["DecisionLine"];
export type RunLine = Schemas["RunLine"];
export type Run = Schemas["Run"];
export type RunRow = Schemas["RunRow"];
export type SummaryLine = Schemas["SummaryLine"];
export type StatsTable = Schemas["StatsTable"];
export type StatsLine = Schemas["StatsLine"];

type Getting = { [P in keyof paths]: paths[P] extends { get: object } ? P : never }[keyof paths];
type Got<P extends Getting> = paths[P]["get"] extends {
  responses: { 200: { content: { "application/json": infer T } } };
}
  ? T
  : never;
type Asked<P extends Getting> = paths[P]["get"] extends { parameters: { query?: infer Q } } ? NonNullable<Q> : object;
type InPath<P extends Getting> = paths[P]["get"] extends { parameters: { path: infer Q } } ? Q : undefined;
/** Moments have more digits than a number of JavaScript, so any parameter may be text. */
export type Query<P extends Getting> = { [K in keyof Asked<P>]?: Asked<P>[K] | string | undefined };

/** Why a request was not answered (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly position: number | null = null,
    readonly length: number | null = null,
  ) {
    super(detail);
  }
}

let csrfToken: string | null = null;

/** Remember what a page must show to change something. */
export function keepCsrfToken(token: string | null): void {
  csrfToken = token;
}

function address(path: string, inPath: Record<string, unknown>, query: object): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(inPath[name])));
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    for (const each of Array.isArray(value) ? value : [value]) parameters.append(name, String(each));
  }
  const text = parameters.toString();
  return text ? `${filled}?${text}` : filled;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const told = (await response.json()) as Record<string, unknown>;
    const number = (name: string) => (typeof told[name] === "number" ? told[name] : null);
    return new Problem(response.status, String(told.detail ?? told.title), number("position"), number("length"));
  } catch {
    return new Problem(response.status, `the server answered ${response.status}`);
  }
}

async function asked(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "the server cannot be reached: is `tracelm serve` still running?");
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** Make sure that an address of the API gives a file, without reading it. */
export async function allows(href: string): Promise<void> {
  const reading = new AbortController();
  await asked(href, { signal: reading.signal });
  reading.abort();
}

/** Ask for a document. */
export async function get<P extends Getting>(
  path: P,
  query: Query<P>,
  inPath?: InPath<P>,
  signal?: AbortSignal,
): Promise<Got<P>> {
  const response = await asked(address(path, (inPath ?? {}) as Record<string, unknown>, query), { signal: signal ?? null });
  return parseExact(await response.text()) as Got<P>;
}

/** Ask for a text at an address that the API gave. */
export async function getText(href: string, signal?: AbortSignal): Promise<string> {
  if (!href.startsWith("/api/v1/")) throw new Problem(0, "this is no address of the API");
  return (await asked(href, { signal: signal ?? null })).text();
}

/** Send a document. */
export async function send<T>(method: "POST" | "DELETE", path: keyof paths, body?: object): Promise<T | null> {
  return sendTo(method, path, {}, body);
}

/** Send a document to an address with parts to fill in. */
export async function sendTo<T>(
  method: "POST" | "DELETE",
  path: keyof paths,
  inPath: Record<string, string>,
  body?: object,
): Promise<T | null> {
  const headers: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
  if (csrfToken !== null) headers["x-csrf-token"] = csrfToken;
  const response = await asked(address(path, inPath, {}), { method, headers, body: body === undefined ? null : JSON.stringify(body) });
  return response.status === 204 ? null : ((await response.json()) as T);
}
