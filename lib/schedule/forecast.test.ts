// Medians, what fits a window, what happens at its end, and runs on the store.
import { describe, expect, test } from "vitest";
import { fitForecast, forecastInWords, forecastOf } from "./forecast.ts";
import { decideOverrun, secondsUntilOver } from "./overrun.ts";
import { decideNextStep, type Step } from "./steps.ts";

describe("forecast", () => {
  const cases = [
    ["nothing known", [], null],
    ["one run", [60], { seconds: 60, runCount: 1 }],
    ["an even number: the middle of the two", [10, 40, 20, 30], { seconds: 25, runCount: 4 }],
    ["one night that hung moves little", [60, 62, 61, 36_000, 59], { seconds: 61, runCount: 5 }],
  ] as const;
  for (const [name, seconds, expected] of cases) {
    test(name, () => expect(forecastOf(seconds)).toEqual(expected));
  }

  test("against the window's end", () => {
    const hour = { seconds: 3600, runCount: 3 };
    expect(fitForecast(hour, 0, 3_600_000)).toEqual({ endsAtMs: 3_600_000, overrunSeconds: 0 });
    expect(fitForecast(hour, 1_800_000, 3_600_000).overrunSeconds).toBe(1800);
    expect(fitForecast(hour, 0, null).overrunSeconds).toBe(0);
    expect(forecastInWords(hour)).toBe("about 1 h 00 min by 3 earlier runs");
  });
});

describe("at the window's end", () => {
  const run = (whenOver: "let-finish" | "stop-starting" | "cancel", windowEndsAtMs: number | null) => {
    return { whenOver, windowEndsAtMs, timeZone: "UTC" };
  };
  const cases = [
    ["before it", run("cancel", 1000), 999, null],
    ["no window", run("cancel", null), 5000, null],
    ["let finish", run("let-finish", 1000), 5000, null],
    ["stop starting", run("stop-starting", 1000), 1000, "stop-starting"],
    ["cancel", run("cancel", 1000), 1000, "cancel"],
  ] as const;
  for (const [name, state, now, expected] of cases) {
    test(name, () => expect(decideOverrun(state, now)?.deed ?? null).toBe(expected));
  }

  test("work that can stop by itself is told how long it has", () => {
    expect(secondsUntilOver(run("stop-starting", 61_000), 1_000)).toBe(60);
    expect(secondsUntilOver(run("let-finish", 61_000), 1_000)).toBeNull();
    expect(secondsUntilOver(run("cancel", 1_000), 61_000)).toBe(1);
  });
});

describe("runs on the store", () => {
  const step = (state: NonNullable<Step["job"]>["state"], drops = 0): Step => {
    return { job: { id: "job_1", state, drops }, failureMessage: null };
  };
  const refused: Step = { job: null, failureMessage: "Your role does not include it." };
  const cases = [
    ["the first", "gc", [], { deed: "begin", index: 0, planJobId: null }],
    ["under way", "gc", [step("running")], { deed: "wait" }],
    ["done", "gc", [step("succeeded")], { deed: "end", state: "succeeded", reason: null }],
    ["failed", "scrub", [step("failed")], { deed: "end", state: "failed", reason: null }],
    ["refused", "gc", [refused], { deed: "end", state: "failed", reason: refused.failureMessage }],
    [
      "a prune's plan is applied",
      "prune",
      [step("succeeded", 3)],
      { deed: "begin", index: 1, planJobId: "job_1" },
    ],
    [
      "a prune with nothing to let go of",
      "prune",
      [step("succeeded")],
      { deed: "end", state: "succeeded", reason: "There was no snapshot to let go of." },
    ],
    [
      "a prune applied",
      "prune",
      [step("succeeded", 3), step("succeeded")],
      { deed: "end", state: "succeeded", reason: null },
    ],
    [
      "a prune whose plan failed",
      "prune",
      [step("failed", 3)],
      { deed: "end", state: "failed", reason: null },
    ],
  ] as const;
  for (const [name, kind, steps, expected] of cases) {
    test(name, () => expect(decideNextStep(kind, steps)).toEqual(expected));
  }
});
