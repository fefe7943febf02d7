/** How a span or trace ended, or that it has not. */

type Kind = { mark: string; words: string; tone: string };

export function kindOf(status: string, state: string): Kind {
  if (state === "in flight") return { mark: "◔", words: "in flight", tone: "text-accent" };
  if (state === "lost") return { mark: "⊘", words: "lost: its process died", tone: "text-warn" };
  if (status === "error") return { mark: "✕", words: "error", tone: "text-bad" };
  return status === "ok" ? { mark: "●", words: "ok", tone: "text-good" } : { mark: "●", words: "ended", tone: "text-edge" };
}

/** The mark of a status, told by its shape as well as its colour. */
export function StatusMark({ status, state }: { status: string; state: string }) {
  const kind = kindOf(status, state);
  return (
    <span className={`inline-block w-3.5 shrink-0 text-center text-xs ${kind.tone}`} title={kind.words} role="img" aria-label={kind.words}>
      {kind.mark}
    </span>
  );
}
