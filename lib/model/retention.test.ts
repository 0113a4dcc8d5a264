// Retention decides what is lost for good: each rule by tables, and what must hold for any policy.
import { describe, expect, test } from "vitest";
import { decideRetention, type RetentionPolicy, type RetentionSnapshot } from "./retention.ts";

/** Snapshots of one PC, oldest first; ids are a, b, c … */
function history(...times: readonly string[]): RetentionSnapshot[] {
  return times.map((createdAt, index) => ({
    id: String.fromCharCode(97 + index),
    node: "pc-01",
    sequence: index + 1,
    createdAt,
    partitions: ["p1", "p2"],
    health: "good",
    pinnedBecause: null,
  }));
}

function kept(
  snapshots: readonly RetentionSnapshot[],
  keep: RetentionPolicy["keep"],
  timeZone = "UTC",
): string {
  return decideRetention(snapshots, { keep, timeZone })
    .filter(({ verdict }) => verdict === "keep")
    .map(({ snapshotId }) => snapshotId)
    .join("");
}

const DAYS = history(
  "2026-03-01T08:00:00Z",
  "2026-03-01T20:00:00Z",
  "2026-03-02T08:00:00Z",
  "2026-03-03T08:00:00Z",
  "2026-03-03T09:00:00Z",
  "2026-03-09T08:00:00Z",
);

describe("which are kept", () => {
  const cases: readonly (readonly [string, RetentionSnapshot[], RetentionPolicy["keep"], string])[] = [
    ["no rule keeps everything", DAYS, {}, "abcdef"],
    ["zero everywhere is no rule", DAYS, { last: 0, daily: 0 }, "abcdef"],
    ["the last two", DAYS, { last: 2 }, "ef"],
    ["the newest of each day", DAYS, { daily: 2 }, "ef"],
    ["days with snapshots count, not the calendar's", DAYS, { daily: 3 }, "cef"],
    ["a later rule starts where an earlier one ends", DAYS, { last: 1, daily: 2 }, "cef"],
    ["hours", DAYS, { hourly: 3 }, "def"],
    ["ISO weeks: 2026-03-01 is a Sunday", DAYS, { weekly: 2 }, "ef"],
    ["an unfilled rule keeps the oldest", DAYS, { weekly: 4 }, "abef"],
    ["the oldest stays until years have gathered", DAYS, { last: 1, yearly: 2 }, "af"],
  ];
  test.each(cases)("%s", (_name, snapshots, keep, expected) => {
    expect(kept(snapshots, keep)).toBe(expected);
  });

  test("the week of a year's first days belongs to the year of its Thursday", () => {
    const turn = history("2026-12-31T10:00:00Z", "2027-01-01T10:00:00Z", "2027-01-04T10:00:00Z");
    const [, second] = decideRetention(turn, { keep: { weekly: 2 }, timeZone: "UTC" });
    expect(second?.reasons).toEqual(["the newest of week 2026-W53"]);
    expect(kept(turn, { weekly: 2 })).toBe("bc");
  });

  test("a day is a day of the policy's time zone", () => {
    const evening = history("2026-03-01T22:00:00Z", "2026-03-01T23:30:00Z");
    expect(kept(evening, { daily: 2 }, "UTC")).toBe("ab"); // a: the oldest, the rule is not full
    expect(decideRetention(evening, { keep: { daily: 1 }, timeZone: "UTC" })[0]?.verdict).toBe("drop");
    expect(kept(evening, { daily: 2 }, "Europe/Vienna")).toBe("ab");
    const [first] = decideRetention(evening, { keep: { daily: 2 }, timeZone: "Europe/Vienna" });
    expect(first?.reasons).toEqual(["the newest of day 2026-03-01"]);
  });

  test("the hour that comes twice in autumn is two hours", () => {
    const twice = history("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z");
    expect(kept(twice, { hourly: 2 }, "Europe/Vienna")).toBe("ab");
    const reasons = decideRetention(twice, { keep: { hourly: 2 }, timeZone: "Europe/Vienna" }).flatMap(
      (decision) => decision.reasons,
    );
    expect(reasons).toHaveLength(2);
    expect(reasons.every((reason) => reason.startsWith("the newest of hour"))).toBe(true);
  });

  test("a time zone nobody knows is refused", () => {
    expect(() => decideRetention(DAYS, { keep: { last: 1 }, timeZone: "Mars/North" })).toThrow(RangeError);
  });

  test("a clock that was set back does not make an old snapshot the newest", () => {
    const setBack = history("2026-05-01T00:00:00Z", "2026-04-01T00:00:00Z");
    expect(kept(setBack, { last: 1 })).toBe("b");
  });
});

describe("what no rule may drop", () => {
  test("a pinned snapshot, and it says why", () => {
    const [first, ...rest] = DAYS;
    const pinned = first === undefined ? [] : [{ ...first, pinnedBecause: "master for the exam" }, ...rest];
    const decision = decideRetention(pinned, { keep: { last: 1 }, timeZone: "UTC" })[0];
    expect(decision).toMatchObject({ verdict: "keep", reasons: ["pinned: master for the exam"] });
  });

  test("the last good one, although newer damaged ones exist", () => {
    const snapshots = DAYS.map((each, index) =>
      index >= 4 ? { ...each, health: "damaged" as const } : each,
    );
    expect(kept(snapshots, { last: 1 })).toBe("def");
    expect(kept(snapshots, { daily: 1 })).toBe("def");
  });

  test("an unverified one counts as good", () => {
    const snapshots = DAYS.map((each) => ({ ...each, health: "unverified" as const }));
    expect(kept(snapshots, { last: 1 })).toBe("f");
  });

  test("another partition set of the same node, and another node", () => {
    const [first, second, ...rest] = DAYS;
    if (first === undefined || second === undefined) throw new Error("no history");
    const mixed = [{ ...first, partitions: ["p1"] }, { ...second, node: "pc-02" }, ...rest];
    expect(kept(mixed, { last: 1 })).toBe("abf");
    const sameSet = [{ ...first, partitions: ["p2", "p1"] }, ...rest];
    expect(kept(sameSet, { last: 1 })).toBe("f");
  });

  test("for any policy each lineage keeps its newest good one, and each decision has a reason", () => {
    for (let seed = 0; seed < 200; seed++) {
      const rule = (shift: number) => (seed >> shift) & 1;
      const keep = {
        last: rule(0),
        hourly: rule(1),
        daily: rule(2),
        weekly: rule(3),
        monthly: rule(4),
        yearly: rule(5),
      };
      const snapshots = DAYS.map((each, index) => ({
        ...each,
        health: (seed * 7 + index * 3) % 4 === 0 ? ("damaged" as const) : ("good" as const),
      }));
      const decisions = decideRetention(snapshots, { keep, timeZone: "UTC" });
      const lastGood = snapshots.findLast(({ health }) => health === "good");
      expect(decisions.find(({ snapshotId }) => snapshotId === lastGood?.id)?.verdict).toBe("keep");
      expect(decisions.every(({ reasons }) => reasons.length > 0)).toBe(true);
    }
  });
});
