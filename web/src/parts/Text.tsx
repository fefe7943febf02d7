/** Text that came from a trace: always text, never anything else. */
import { useState } from "react";

import { meaning, pieces } from "../format/visible";

/** A text, in which characters that are not seen are shown by their code. */
export function Text({ value }: { value: string }) {
  const found = pieces(value);
  if (found.length === 1 && !found[0]!.isHidden) return <bdi>{value}</bdi>;
  return (
    <bdi>
      {found.map((piece, n) =>
        piece.isHidden ? (
          // oxlint-disable-next-line react/no-array-index-key -- pieces have nothing else that tells them apart
          <span key={n} className="mx-px inline-block rounded-xs bg-warn-ground px-0.5 font-mono text-xs text-warn" title={meaning(piece.text)}>
            {piece.text}
          </span>
        ) : (
          piece.text
        ),
      )}
    </bdi>
  );
}

const STEP = 20_000;

/** A long text, of which more is shown on demand. */
export function LongText({ value, mono = false }: { value: string; mono?: boolean }) {
  const [shown, setShown] = useState(STEP);
  const rest = value.length - shown;
  return (
    <>
      <div
        className={`whitespace-pre-wrap [overflow-wrap:anywhere] [tab-size:4] ${mono ? "font-mono text-xs" : ""}`}
        dir="auto"
      >
        <Text value={rest > 0 ? value.slice(0, shown) : value} />
      </div>
      {rest > 0 && (
        <button type="button" className="button mt-2" onClick={() => setShown(shown + 5 * STEP)}>
          Show more ({rest.toLocaleString("en-US")} more characters)
        </button>
      )}
    </>
  );
}

/** A button that copies a text. */
export function Copy({ text, label = "Copy", title }: { text: () => string | Promise<string>; label?: string; title?: string }) {
  const [state, setState] = useState<"" | "copied" | "failed">("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(await text());
      setState("copied");
    } catch {
      setState("failed");
    }
    setTimeout(() => setState(""), 1500);
  };
  return (
    <button type="button" className="button h-6 px-1.5 text-xs text-soft" title={title} onClick={() => void copy()}>
      <span aria-live="polite">{state === "copied" ? "Copied" : state === "failed" ? "No clipboard here" : label}</span>
    </button>
  );
}
