/** JSON of any size and depth, with whole numbers kept exactly. */

export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

/** A whole number that may be too large, where JSON has numbers; ids and moments stand in quotes. */
const UNSAFE_INTEGER = /(?:^|[:,[\s])-?\d{16,}(?=[\s,\]}]|$)/;

const MARK = "\u0001int:";
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Parse JSON; whole numbers that a JavaScript number cannot hold become bigints. */
export function parseExact(text: string): Json {
  if (!UNSAFE_INTEGER.test(text)) return JSON.parse(text) as Json;
  let marked: string;
  try {
    marked = text.replace(TOKEN, (token) =>
      /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"\\u0001int:${token}"` : token,
    );
  } catch {
    return JSON.parse(text) as Json; // too large for the expression above
  }
  return withIntegers(JSON.parse(marked) as Json);
}

/** Put bigints where whole numbers were marked; without recursion. */
function withIntegers(root: Json): Json {
  const holder: { [key: string]: Json } = { root };
  const left: (Json[] | { [key: string]: Json })[] = [holder];
  while (left.length > 0) {
    const container = left.pop()! as { [key: string]: Json };
    for (const key of Object.keys(container)) {
      const value = container[key]!;
      if (typeof value === "string" && value.startsWith(MARK)) {
        const digits = value.slice(MARK.length);
        if (/^-?\d+$/.test(digits)) container[key] = BigInt(digits);
      } else if (typeof value === "object" && value !== null) {
        left.push(value);
      }
    }
  }
  return holder.root!;
}

/** Parse a text that may be JSON of an object or a list; undefined where it is anything else. */
export function parseContainer(text: string): Json | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return parseExact(text);
  } catch {
    return undefined;
  }
}

/** Write a value as JSON, bigints as numbers; a value that is too deep comes back as a sentence. */
export function written(value: Json, indent = 2): string {
  try {
    if (typeof value !== "object" || value === null) {
      return typeof value === "bigint" ? value.toString() : JSON.stringify(value);
    }
    const text = JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? `${MARK}${each}` : each), indent);
    return text.replace(/"\\u0001int:(-?\d+)"/g, "$1");
  } catch (error) {
    if (error instanceof RangeError) return "(nested too deeply to be written out)";
    throw error;
  }
}

export type Found = { path: string; key: string; text: string };

/** Find keys and plain values that contain `wanted`, in any case; without recursion, at most `limit`. */
export function search(root: Json, wanted: string, limit: number): Found[] {
  const needle = wanted.toLowerCase();
  const found: Found[] = [];
  const open: { value: Json; path: string; key: string }[] = [{ value: root, path: "", key: "" }];
  while (open.length > 0 && found.length < limit) {
    const { value, path, key } = open.pop()!;
    const isContainer = typeof value === "object" && value !== null;
    const text = isContainer ? (Array.isArray(value) ? `[${value.length}]` : "{…}") : String(value);
    if (key.toLowerCase().includes(needle) || (!isContainer && text.toLowerCase().includes(needle))) {
      found.push({ path, key, text });
    }
    if (!isContainer) continue;
    const children = Array.isArray(value) ? value.map((each, n) => [String(n), each] as const) : Object.entries(value);
    for (let n = children.length - 1; n >= 0; n--) {
      const [name, child] = children[n]!;
      open.push({ value: child, path: path ? `${path}.${name}` : name, key: Array.isArray(value) ? "" : name });
    }
  }
  return found;
}
