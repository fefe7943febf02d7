/** Light or dark: as the system has it, until the switch says otherwise. */
import { useState } from "react";

type Theme = "system" | "light" | "dark";
const KEY = "tracelm.theme";
const ORDER: Theme[] = ["system", "light", "dark"];

function kept(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system"; // a browser that keeps nothing
  }
}

/** Put the theme that was chosen last into force. */
export function applyTheme(theme: Theme = kept()): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** The theme, and a function that takes the next one. */
export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState(kept);
  const next = () => {
    const chosen = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length]!;
    setTheme(chosen);
    applyTheme(chosen);
    try {
      if (chosen === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, chosen);
    } catch {
      // it holds for this page only
    }
  };
  return [theme, next];
}
