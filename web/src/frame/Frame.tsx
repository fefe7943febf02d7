/** What stands around each page: navigation, project, time, theme, help. */
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { get, keepCsrfToken } from "../api/client";
import { oneLine } from "../format/visible";
import { Login } from "./Login";
import { Choice } from "../parts/Choice";
import { Popup } from "../parts/Popup";
import { exact, moment } from "../format/time";
import { useScope, useSetScope, WINDOWS } from "./scope";
import { Failed } from "./states";
import { useTheme } from "./theme";
import { isTyping } from "./keys";

const PAGES = [
  ["/", "Home"],
  ["/traces", "Traces"],
  ["/sessions", "Sessions"],
  ["/evaluations", "Evaluations"],
  ["/datasets", "Datasets"],
  ["/monitors", "Monitors"],
  ["/annotate", "Annotate"],
  ["/settings", "Settings"],
] as const;

/** The page, once it is known who asks. */
export function Frame() {
  const session = useQuery({
    queryKey: ["session"],
    queryFn: async () => {
      const found = await get("/api/v1/session", {});
      keepCsrfToken(found.csrf_token);
      return found;
    },
    staleTime: 300_000,
  });
  if (session.isPending) return null;
  if (session.isError) return <Failed error={session.error} again={() => void session.refetch()} />;
  if (session.data.needs_login) return <Login />;
  return (
    <div className="flex h-full flex-col">
      <a
        href="#page"
        className="absolute -top-10 left-2 z-50 rounded bg-accent px-3 py-1 text-on-accent focus:top-2"
      >
        Skip to the page
      </a>
      <Header version={session.data.version} />
      <main id="page" className="min-h-0 flex-1 overflow-auto" tabIndex={-1}>
        <Outlet />
      </main>
    </div>
  );
}

function Header({ version }: { version: string }) {
  const path = useLocation({ select: (location) => location.pathname });
  const page = PAGES.findLast(([to]) => path.startsWith(to))?.[1] ?? "tracelm";
  useEffect(() => {
    document.title = page === "Home" ? "tracelm" : `${page} · tracelm`;
  }, [page]);
  return (
    <header className="flex min-h-12 flex-wrap items-center gap-x-4 gap-y-1 border-b border-line bg-panel px-4 py-1.5">
      <Link to="/" className="flex items-center gap-2 font-semibold" title={`tracelm ${version}`}>
        <img src="/icon.svg" alt="" className="size-5" />
        tracelm
      </Link>
      <nav aria-label="Pages" className="flex max-w-full gap-0.5 overflow-x-auto">
        {PAGES.map(([to, name]) => {
          const isHere = to === "/" ? path === "/" : path.startsWith(to);
          return (
            <Link
              key={to}
              to={to}
              aria-current={isHere ? "page" : undefined}
              className={`rounded-md px-2.5 py-1 max-sm:px-1.5 ${isHere ? "bg-chosen font-medium text-accent" : "text-soft hover:bg-hover hover:text-ink"}`}
            >
              {name}
            </Link>
          );
        })}
      </nav>
      <div className="ml-auto flex items-center gap-2">
        <ProjectChoice />
        <TimeChoice />
        <ThemeSwitch />
        <Help />
      </div>
    </header>
  );
}

function ProjectChoice() {
  const scope = useScope();
  const setScope = useSetScope();
  const projects = useQuery({ queryKey: ["projects"], queryFn: () => get("/api/v1/projects", {}), staleTime: 30_000 });
  const names = (projects.data?.items ?? []).map((each) => each.name);
  if (scope.project !== undefined && !names.includes(scope.project)) names.push(scope.project);
  return (
    <Choice
      label="Project"
      value={scope.project ?? ""}
      options={[["", "All projects"], ...names.map((name) => [name, oneLine(name, 60)] as [string, string])]}
      onChange={(project) => setScope({ project: project || undefined })}
    />
  );
}

function TimeChoice() {
  const scope = useScope();
  const setScope = useSetScope();
  const path = useLocation({ select: (location) => location.pathname });
  const isRange = scope.since !== undefined || scope.until !== undefined;
  const otherwise = path === "/" || /^\/(sessions|monitors)/.test(path) ? "7d" : "all";
  const options: [string, string][] = WINDOWS.map(([name, words]) => [name, name === "all" ? "All time" : `Last ${words}`]);
  if (isRange) {
    const from = scope.since === undefined ? "" : moment(scope.since);
    const to = scope.until === undefined ? "" : moment(scope.until);
    options.unshift(["range", `${from} – ${to}`]);
  }
  return (
    <Choice
      label="Time"
      value={isRange ? "range" : (scope.within ?? otherwise)}
      title={isRange ? [scope.since, scope.until].map((each) => (each ? exact(each) : "")).join("\n") : undefined}
      options={options}
      onChange={(within) => {
        if (within !== "range") setScope({ within, since: undefined, until: undefined });
      }}
    />
  );
}

function ThemeSwitch() {
  const [theme, next] = useTheme();
  const shown = { system: "◐", light: "☀", dark: "☾" }[theme];
  const words = { system: "as the system has it", light: "light", dark: "dark" }[theme];
  return (
    <button type="button" className="button w-8 justify-center px-0" onClick={next} aria-label={`Colours: ${words}`} title={`Colours: ${words}`}>
      <span aria-hidden="true">{shown}</span>
    </button>
  );
}

const KEYS: [string, string][] = [
  ["j  k  ↓  ↑", "next, previous line"],
  ["Enter", "open the line"],
  ["h  l  ←  →", "in a trace: close, open a span's children"],
  ["J  K", "in a trace: next, previous span in the same one"],
  ["/", "to the filter"],
  ["Escape", "leave the filter; from a trace back to the list"],
  ["x", "in the list: mark the line"],
  ["p", "pause or resume live updates"],
  ["?", "this list"],
];

function Help() {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "?" && !isTyping(event)) setOpen(true);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  return (
    <>
      <button type="button" className="button w-8 justify-center px-0" aria-label="Keyboard" title="Keyboard (?)" onClick={() => setOpen(true)}>
        ?
      </button>
      <Popup title="Keyboard" isOpen={isOpen} onOpen={setOpen}>
        <dl className="grid grid-cols-[8rem_1fr] gap-y-1.5">
          {KEYS.map(([keys, what]) => (
            <div key={keys} className="contents">
              <dt className="flex gap-1">
                {keys.split("  ").map((key) => (
                  <kbd key={key} className="rounded border border-edge bg-panel px-1.5 font-mono text-xs">
                    {key}
                  </kbd>
                ))}
              </dt>
              <dd className="text-soft">{what}</dd>
            </div>
          ))}
        </dl>
      </Popup>
    </>
  );
}
