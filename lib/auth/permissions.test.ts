import { describe, expect, test } from "vitest";
import { ACTIONS, type Action, isPermitted, permit } from "./permissions.ts";

const MAY: Readonly<Record<Action, readonly string[]>> = {
  read: ["viewer", "operator", "admin"],
  snapshot: ["operator", "admin"],
  restore: ["operator", "admin"],
  evaluate: ["operator", "admin"],
  pin: ["operator", "admin"],
  release: ["operator", "admin"],
  localize: ["operator", "admin"],
  "manage-network": ["admin"],
  upkeep: ["operator", "admin"],
  prune: ["admin"],
  "manage-storage": ["admin"],
  verify: ["operator", "admin"],
  cancel: ["operator", "admin"],
  schedule: ["operator", "admin"],
  "manage-notifications": ["admin"],
  enrol: ["admin"],
  "manage-classrooms": ["admin"],
  "manage-keys": ["admin"],
  "manage-people": ["admin"],
};

describe("permissions", () => {
  for (const action of ACTIONS) {
    for (const role of ["viewer", "operator", "admin"] as const) {
      const allowed = MAY[action].includes(role);
      test(`${role} ${allowed ? "may" : "may not"} ${action}`, () => {
        const viewer = { id: "user_1", role };
        expect(isPermitted(viewer, action)).toBe(allowed);
        const ask = () => permit(viewer, action);
        if (allowed) expect(ask).not.toThrow();
        else expect(ask).toThrow(expect.objectContaining({ code: "not-permitted" }));
      });
    }
  }
});
