/** The pages and what their addresses hold. All state that somebody may want to share is in the address. */
import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, createRouter, retainSearchParams } from "@tanstack/react-router";

import { AnnotatePage } from "./annotate/AnnotatePage";
import { ComparePage } from "./runs/ComparePage";
import { DatasetsPage } from "./datasets/DatasetsPage";
import { Frame } from "./frame/Frame";
import { Failed, NothingHere } from "./frame/states";
import { HomePage } from "./home/HomePage";
import { MonitorsPage } from "./watch/MonitorsPage";
import { RunPage } from "./runs/RunPage";
import { RunsPage } from "./runs/RunsPage";
import { SessionPage } from "./sessions/SessionPage";
import { SessionsPage } from "./sessions/SessionsPage";
import { SettingsPage } from "./settings/SettingsPage";
import { TracePage, traceQuery } from "./trace/TracePage";
import { TracesPage } from "./traces/TracesPage";

export type Scope = { project?: string; within?: string; since?: string; until?: string };

/** Keep the named parameters that are texts. */
function texts<K extends string>(given: Record<string, unknown>, names: readonly K[]): { [N in K]?: string } {
  const kept: { [N in K]?: string } = {};
  for (const name of names) {
    const value = given[name];
    if (typeof value === "string" && value !== "") kept[name] = value;
  }
  return kept;
}

const SCOPE = ["project", "within", "since", "until"] as const;
const root = createRootRouteWithContext<{ client: QueryClient }>()({
  component: Frame,
  notFoundComponent: NothingHere,
  validateSearch: (given: Record<string, unknown>): Scope => texts(given, SCOPE),
  search: { middlewares: [retainSearchParams(["project", "within", "since", "until"])] },
});

const home = createRoute({ getParentRoute: () => root, path: "/", component: HomePage });
export const traces = createRoute({
  getParentRoute: () => root,
  path: "/traces",
  component: TracesPage,
  validateSearch: (given: Record<string, unknown>) => texts(given, ["where", "sort", "live", "columns"]),
});
export const trace = createRoute({
  getParentRoute: () => root,
  path: "/traces/$traceId",
  component: TracePage,
  validateSearch: (given: Record<string, unknown>) => texts(given, ["span", "tab"]),
  // Asked beside the question who is there, not behind it.
  loader: ({ context, params, location }) =>
    void context.client.prefetchQuery(traceQuery(params.traceId, (location.search as Scope).project)),
});
const sessions = createRoute({ getParentRoute: () => root, path: "/sessions", component: SessionsPage });
export const session = createRoute({ getParentRoute: () => root, path: "/sessions/$sessionId", component: SessionPage });
export const runs = createRoute({
  getParentRoute: () => root,
  path: "/evaluations",
  component: RunsPage,
  validateSearch: (given: Record<string, unknown>) => texts(given, ["name"]),
});
export const compare = createRoute({
  getParentRoute: () => root,
  path: "/evaluations/compare",
  component: ComparePage,
  validateSearch: (given: Record<string, unknown>) => texts(given, ["run", "baseline", "score", "row"]),
});
export const run = createRoute({
  getParentRoute: () => root,
  path: "/evaluations/$runId",
  component: RunPage,
  validateSearch: (given: Record<string, unknown>) => texts(given, ["outcome", "row"]),
});
export const datasets = createRoute({
  getParentRoute: () => root,
  path: "/datasets",
  component: DatasetsPage,
  validateSearch: (given: Record<string, unknown>) => texts(given, ["name", "version"]),
});

export const monitors = createRoute({
  getParentRoute: () => root,
  path: "/monitors",
  component: MonitorsPage,
  validateSearch: (given: Record<string, unknown>) => texts(given, ["name"]),
});

export const annotate = createRoute({
  getParentRoute: () => root,
  path: "/annotate",
  component: AnnotatePage,
  validateSearch: (given: Record<string, unknown>) => texts(given, ["where", "score", "scale", "judge", "run"]),
});

const settings = createRoute({ getParentRoute: () => root, path: "/settings", component: SettingsPage });

const tree = root.addChildren([home, traces, trace, sessions, session, runs, compare, run, datasets, monitors, annotate, settings]);

/** Make the router. Parameters stay texts: a moment is no number of JavaScript. */
export function makeRouter(client: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { client },
    parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
    stringifySearch: (search) => {
      const kept = Object.entries(search).filter(([, value]) => value !== undefined && value !== "");
      const text = new URLSearchParams(kept.map(([name, value]) => [name, String(value)])).toString();
      return text ? `?${text}` : "";
    },
    defaultErrorComponent: ({ error }) => <Failed error={error as Error} />,
    scrollRestoration: false,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
