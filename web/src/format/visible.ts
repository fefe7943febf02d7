/** Characters that are not seen, or that change how others are seen: they are shown by their code. */

// Controls except tab and line feed; marks, embeddings and isolates of direction; zero width; tags; lone surrogates.
const HIDDEN =
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|[\ud800-\udfff]/gu;

type Piece = { text: string; isHidden: boolean };

const NAMES: Record<string, string> = {
  "U+202A": "left-to-right embedding",
  "U+202B": "right-to-left embedding",
  "U+202C": "end of embedding",
  "U+202D": "left-to-right override",
  "U+202E": "right-to-left override",
  "U+2066": "left-to-right isolate",
  "U+2067": "right-to-left isolate",
  "U+2068": "isolate",
  "U+2069": "end of isolate",
  "U+200B": "zero width space",
  "U+200E": "left-to-right mark",
  "U+200F": "right-to-left mark",
  "U+FEFF": "byte order mark",
  "U+0000": "null",
  "U+001B": "escape",
};

function code(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** What a code means, for the title of its mark. */
export function meaning(codeText: string): string {
  const name = NAMES[codeText];
  return name === undefined ? `${codeText}, a character that cannot be seen` : `${codeText}, ${name}`;
}

/** Divide a text into what is seen as it is, and the codes of what is not. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match[0] === "\r" && text[match.index + 1] === "\n") {
      found.push({ text: text.slice(from, match.index), isHidden: false });
    } else {
      if (match.index > from) found.push({ text: text.slice(from, match.index), isHidden: false });
      found.push({ text: code(match[0]), isHidden: true });
    }
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push({ text: text.slice(from), isHidden: false });
  return found;
}

/** A text as plain text, for titles and single lines: what is not seen is written as its code. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => `⟨${code(character)}⟩`);
}

/** The beginning of a text on one line. */
export function oneLine(text: string, most = 300): string {
  const cut = text.length > most ? `${text.slice(0, most)}…` : text;
  return visible(cut.replace(/\s+/g, " ").trim());
}
