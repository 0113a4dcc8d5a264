import { describe, expect, test } from "vitest";
import {
  JOB_EVENTS,
  JOB_STATES,
  jobEventFromTasks,
  NEXT_JOB_STATE,
  NEXT_TASK_STATE,
  TASK_EVENTS,
  TASK_STATES,
} from "#lib/model/job.ts";
import { jobStatesMovedBy, OPEN_JOB_STATES, OPEN_TASK_STATES, taskStatesMovedBy } from "./transitions.ts";

describe("compare-and-set conditions", () => {
  test("they are the tables, cell by cell", () => {
    for (const event of JOB_EVENTS) {
      for (const to of JOB_STATES) {
        const moved = jobStatesMovedBy(event, to);
        for (const from of JOB_STATES) {
          expect(moved.includes(from)).toBe(from !== to && NEXT_JOB_STATE[from][event] === to);
        }
      }
    }
    for (const event of TASK_EVENTS) {
      for (const to of TASK_STATES) {
        const moved = taskStatesMovedBy(event, to);
        for (const from of TASK_STATES) {
          expect(moved.includes(from)).toBe(from !== to && NEXT_TASK_STATE[from][event] === to);
        }
      }
    }
  });

  test("nothing leads out of a final state", () => {
    for (const state of JOB_STATES.filter((name) => !OPEN_JOB_STATES.includes(name))) {
      for (const event of JOB_EVENTS) expect([state, "refuse"]).toContain(NEXT_JOB_STATE[state][event]);
    }
    for (const state of TASK_STATES.filter((name) => !OPEN_TASK_STATES.includes(name))) {
      for (const event of TASK_EVENTS) expect([state, "refuse"]).toContain(NEXT_TASK_STATE[state][event]);
    }
  });

  test("open states are exactly those that hold a node", () => {
    expect(OPEN_JOB_STATES).toEqual(["queued", "running"]);
    expect(OPEN_TASK_STATES).toEqual(["waiting", "ready", "running"]);
  });

  test("a job's end follows from its tasks' ends; skipped ones do not count", () => {
    expect(jobEventFromTasks(["succeeded", "skipped"])).toBe("finish");
    expect(jobEventFromTasks(["succeeded", "failed"])).toBe("finish-partly");
    expect(jobEventFromTasks(["failed", "cancelled"])).toBe("fail");
    expect(jobEventFromTasks(["cancelled", "skipped"])).toBe("cancel");
  });
});
