/** Light or dark: as the system has it, until the switch says otherwise. */
import { useState } from "react";

import { keep, kept } from "./kept";

type Theme = "system" | "light" | "dark";
const KEY = "tracelm.theme";
const ORDER: Theme[] = ["system", "light", "dark"];

function keptTheme(): Theme {
  const value = kept(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

/** Put the theme that was chosen last into force. */
export function applyTheme(theme: Theme = keptTheme()): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** The theme, and a function that takes the next one. */
export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState(keptTheme);
  const next = () => {
    const chosen = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length]!;
    setTheme(chosen);
    applyTheme(chosen);
    keep(KEY, chosen);
  };
  return [theme, next];
}
