"use client";

// Light, dark, or as the system says; kept in a cookie so that the server draws the right one at once.
import { Monitor, Moon, Sun } from "lucide-react";
import { useState } from "react";
import { classNames } from "../ui/class-names.ts";
import { THEME_COOKIE, THEMES, type Theme } from "./theme.ts";

const ICONS = { system: Monitor, light: Sun, dark: Moon } as const;
const WORDS = { system: "As the system", light: "Light", dark: "Dark" } as const;
const YEAR_SECONDS = 365 * 24 * 3600;

export function ThemeToggle({ initial }: { initial: Theme }) {
  const [theme, setTheme] = useState(initial);
  const choose = (next: Theme) => {
    setTheme(next);
    document.documentElement.dataset.theme = next;
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API needs HTTPS, which a school's server may not have.
    document.cookie = `${THEME_COOKIE}=${next}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
  };
  return (
    <fieldset className="flex rounded-md border border-line p-0.5">
      <legend className="sr-only">Colours</legend>
      {THEMES.map((name) => {
        const Icon = ICONS[name];
        return (
          <button
            key={name}
            type="button"
            aria-pressed={theme === name}
            aria-label={WORDS[name]}
            title={WORDS[name]}
            onClick={() => choose(name)}
            className={classNames(
              "grid h-6 flex-1 place-items-center rounded px-2",
              theme === name ? "bg-accent-soft text-accent" : "text-ink-3 hover:text-ink",
            )}
          >
            <Icon aria-hidden size={13} />
          </button>
        );
      })}
    </fieldset>
  );
}
