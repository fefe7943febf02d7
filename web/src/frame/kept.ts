/** What this browser keeps for its user. One that keeps nothing forgets, and nothing breaks. */

export function kept(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // forgotten when the page is closed
  }
}
