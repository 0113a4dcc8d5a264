// Lines of the worker's log: time, level, words. To stdout, where systemd, Docker and the development stack pick them up.
import { environment } from "#lib/env.ts";
import { CodedError } from "#lib/model/errors.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof LEVELS)[number];

export function log(level: Level, message: string): void {
  if (LEVELS.indexOf(level) < LEVELS.indexOf(environment("LOG_LEVEL"))) return;
  process.stdout.write(`${new Date().toISOString()} ${level} ${message}\n`);
}

/** An expected failure in one line with its hint; a bug with its trace. */
export function inWords(thrown: unknown): string {
  if (thrown instanceof CodedError) {
    const because = thrown.cause instanceof Error ? ` (${thrown.cause.message.split("\n").at(-1)})` : "";
    return `${thrown.code}: ${thrown.message}${because}${thrown.hint === null ? "" : ` → ${thrown.hint}`}`;
  }
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}
