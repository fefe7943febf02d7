/** Where somebody was in the list of traces: there he comes back to. It lasts as long as the page is open. */

type ListSearch = { where?: string; sort?: string; live?: string; columns?: string };
type Place = { top: number; at: number };

let search: ListSearch = {};
const places = new Map<string, Place>();

/** Keep the filter and order of the list that is seen. */
export function keepList(seen: ListSearch): void {
  search = seen;
}

/** The filter and order that were seen last, for the way back. */
export function lastList(): ListSearch {
  return search;
}

/** Keep how far a list was scrolled, and which line was marked. */
export function keepPlace(list: string, place: Place): void {
  places.set(list, place);
}

/** Where a list was left. */
export function lastPlace(list: string): Place {
  return places.get(list) ?? { top: 0, at: -1 };
}
