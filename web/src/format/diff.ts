/** Which words two texts have in common. */

export type Word = { text: string; isOwn: boolean };

const MOST_CELLS = 1_000_000;

function words(text: string): string[] {
  return text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
}

/** Divide both texts into runs of words that both have, and of words of their own. Null where they are too long. */
export function diff(left: string, right: string): { left: Word[]; right: Word[] } | null {
  const a = words(left);
  const b = words(right);
  if (a.length * b.length > MOST_CELLS) return null;
  // The length of the longest common subsequence of what is left from (n, m) on.
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let n = a.length - 1; n >= 0; n--) {
    for (let m = b.length - 1; m >= 0; m--) {
      longest[n * width + m] =
        a[n] === b[m]
          ? longest[(n + 1) * width + m + 1]! + 1
          : Math.max(longest[(n + 1) * width + m]!, longest[n * width + m + 1]!);
    }
  }
  const found = { left: [] as Word[], right: [] as Word[] };
  let n = 0;
  let m = 0;
  while (n < a.length || m < b.length) {
    if (n < a.length && m < b.length && a[n] === b[m]) {
      add(found.left, a[n++]!, false);
      add(found.right, b[m++]!, false);
    } else if (m >= b.length || (n < a.length && longest[(n + 1) * width + m]! >= longest[n * width + m + 1]!)) {
      add(found.left, a[n++]!, true);
    } else {
      add(found.right, b[m++]!, true);
    }
  }
  return found;
}

function add(list: Word[], text: string, isOwn: boolean): void {
  const last = list.at(-1);
  if (last !== undefined && last.isOwn === isOwn) last.text += text;
  else list.push({ text, isOwn });
}
