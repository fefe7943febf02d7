/** Shows whether updates come by themselves, and pauses them. */
import type { LiveState } from "../api/live";

const WORDS: Record<LiveState, [string, string]> = {
  off: ["Paused", "bg-faint"],
  connecting: ["Connecting", "bg-warn"],
  on: ["Live", "bg-good animate-[pulse-dot_2s_ease-in-out_infinite]"],
  broken: ["Reconnecting", "bg-bad"],
};

export function LiveButton({ state, onToggle }: { state: LiveState; onToggle: () => void }) {
  const [words, dot] = WORDS[state];
  return (
    <button
      type="button"
      className="button w-28"
      aria-pressed={state !== "off"}
      title={state === "off" ? "Resume live updates (p)" : "Pause live updates (p)"}
      onClick={onToggle}
    >
      <span aria-hidden="true" className={`size-2 rounded-full ${dot}`} />
      {words}
    </button>
  );
}
