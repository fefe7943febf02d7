/** The bar of the filter language: completion from the server, and the bad spot marked where it stands. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useId, useRef, useState } from "react";

import { get, type Problem, type Schemas } from "../api/client";
import { useKeys } from "../frame/keys";

type Completion = Schemas["CompletionLine"];
type Props = {
  value: string;
  project: string | undefined;
  problem: Problem | null;
  onApply: (value: string) => void;
};

/** Where a character of Python's stands in a text of JavaScript's, which counts some twice. */
export function utf16Offset(text: string, characters: number): number {
  return Array.from(text).slice(0, characters).join("").length;
}

/** How many characters Python counts before a place. */
export function codePoints(text: string, utf16: number): number {
  return Array.from(text.slice(0, utf16)).length;
}

/** The text with a completion in its place, and where the cursor stands then. */
export function completed(text: string, choice: Completion): { text: string; cursor: number } {
  const start = utf16Offset(text, choice.start);
  const end = utf16Offset(text, choice.end);
  const before = text.slice(0, start) + choice.text;
  return { text: before + text.slice(end), cursor: before.length };
}

const EXAMPLES = ["status:error", "latency>2s", "cost>0.01", "model:gpt-4o*", "errors>0"];

export function FilterBar({ value, project, problem, onApply }: Props) {
  const [text, setText] = useState(value);
  const [cursor, setCursor] = useState(value.length);
  const [isOpen, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const [scrolled, setScrolled] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const list = useId();
  const [applied, setApplied] = useState(value);
  if (applied !== value) {
    // The address changed, by a link or by going back.
    setApplied(value);
    setText(value);
    setCursor(value.length);
  }
  useKeys({ "/": () => input.current?.focus() });

  const position = codePoints(text, cursor);
  const found = useQuery({
    queryKey: ["complete", project, text, position],
    queryFn: ({ signal }) => get("/api/v1/complete", { text, position, project }, undefined, signal),
    enabled: isOpen,
    placeholderData: keepPreviousData,
  });
  const offered = isOpen ? (found.data?.items ?? []) : [];
  const isBad = problem !== null && text === value;

  const take = (choice: Completion) => {
    const next = completed(text, choice);
    setText(next.text);
    setChosen(-1);
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(next.cursor, next.cursor);
      setCursor(next.cursor);
    });
  };
  const apply = (next: string) => {
    setOpen(false);
    setChosen(-1);
    onApply(next.trim());
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (offered.length > 0) setChosen((chosen + step + offered.length + (chosen < 0 && step < 0 ? 1 : 0)) % offered.length);
    } else if (event.key === "Tab" && !event.shiftKey && isOpen && offered.length > 0 && text !== "") {
      event.preventDefault();
      take(offered[Math.max(0, chosen)]!);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (chosen >= 0 && offered[chosen] !== undefined) take(offered[chosen]);
      else apply(text);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      if (isOpen) setOpen(false);
      else input.current?.blur();
    }
  };

  const position0 = problem?.position ?? null;
  const start = position0 === null ? 0 : utf16Offset(text, position0);
  const end = position0 === null ? 0 : Math.max(start + 1, utf16Offset(text, position0 + (problem?.length ?? 1)));
  return (
    <div className="relative min-w-0 flex-1">
      <div className="relative">
        {isBad && position0 !== null && (
          <div aria-hidden="true" className="pointer-events-none absolute inset-0 overflow-hidden px-[0.6rem] py-[0.42rem]">
            <div className="font-mono text-sm whitespace-pre text-transparent" style={{ transform: `translateX(${-scrolled}px)` }}>
              {text.slice(0, start)}
              <mark data-testid="bad-spot" className="bg-bad-ground text-transparent underline decoration-bad decoration-wavy decoration-2 underline-offset-3">
                {text.slice(start, end) || " "}
              </mark>
            </div>
          </div>
        )}
        <input
          ref={input}
          role="combobox"
          aria-label="Filter"
          aria-expanded={offered.length > 0}
          aria-controls={list}
          aria-activedescendant={chosen >= 0 ? `${list}-${chosen}` : undefined}
          aria-invalid={isBad}
          aria-describedby={isBad ? `${list}-problem` : undefined}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          placeholder="Filter: text, or field:value — press / to come here"
          className={`field relative w-full bg-transparent font-mono text-sm placeholder:font-sans placeholder:text-faint ${isBad ? "border-bad" : ""}`}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setCursor(event.target.selectionStart ?? event.target.value.length);
            setOpen(true);
            setChosen(-1);
          }}
          onSelect={(event) => setCursor(event.currentTarget.selectionStart ?? 0)}
          onScroll={(event) => setScrolled(event.currentTarget.scrollLeft)}
          onFocus={() => setOpen(true)}
          onBlur={() => setOpen(false)}
          onKeyDown={onKeyDown}
        />
        {text !== "" && (
          <button
            type="button"
            aria-label="Clear the filter"
            className="absolute top-0 right-0 h-full px-2.5 text-faint hover:text-ink"
            onClick={() => {
              setText("");
              apply("");
            }}
          >
            ✕
          </button>
        )}
      </div>
      {isBad && (
        <p id={`${list}-problem`} role="alert" className="mt-1 text-bad">
          {problem.detail}
        </p>
      )}
      <div id={list} role="listbox" aria-label="Completions" className={offered.length === 0 ? "hidden" : "card absolute top-full left-0 z-30 mt-1 max-h-80 w-full max-w-2xl overflow-auto p-1 shadow-lg"}>
        {offered.map((each, n) => (
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the keys are the input's
          <div
            key={`${each.kind}-${each.text}`}
            id={`${list}-${n}`}
            role="option"
            tabIndex={-1}
            aria-selected={n === chosen}
            className={`flex cursor-pointer gap-3 rounded px-2 py-0.5 ${n === chosen ? "bg-chosen" : "hover:bg-hover"}`}
            onMouseDown={(event) => {
              event.preventDefault();
              take(each);
            }}
          >
            <span className="min-w-36 shrink-0 font-mono text-sm">{each.text}</span>
            <span className="truncate text-faint">{each.meaning.replaceAll("`", "")}</span>
          </div>
        ))}
      </div>
    </div>
  );
}

/** Filters to begin with. */
export function FilterExamples({ onApply }: { onApply: (value: string) => void }) {
  return (
    <span className="inline-flex flex-wrap justify-center gap-1.5">
      {EXAMPLES.map((each) => (
        <button key={each} type="button" className="chip font-mono hover:text-accent" onClick={() => onApply(each)}>
          {each}
        </button>
      ))}
    </span>
  );
}
