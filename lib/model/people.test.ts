import { describe, expect, test } from "vitest";
import { leavesAnAdmin, type Person } from "./people.ts";

const person = (id: string, role: Person["role"], signInDisabled = false): Person => ({
  id,
  role,
  signInDisabled,
});

describe("an installation keeps an administrator", () => {
  const one = [person("ada", "admin"), person("bob", "operator"), person("eve", "admin", true)];
  const two = [...one, person("dan", "admin")];

  test("the only one who can sign in is neither demoted nor shut out, whoever else is an admin on paper", () => {
    expect(leavesAnAdmin(one, "ada", { role: "operator" })).toBe(false);
    expect(leavesAnAdmin(one, "ada", { role: "viewer" })).toBe(false);
    expect(leavesAnAdmin(one, "ada", { signInDisabled: true })).toBe(false);
  });

  test("one of two may be either", () => {
    expect(leavesAnAdmin(two, "ada", { role: "viewer" })).toBe(true);
    expect(leavesAnAdmin(two, "dan", { signInDisabled: true })).toBe(true);
  });

  test("changes to others, and those that change nothing, are no concern of the rule", () => {
    expect(leavesAnAdmin(one, "bob", { signInDisabled: true })).toBe(true);
    expect(leavesAnAdmin(one, "bob", { role: "admin" })).toBe(true);
    expect(leavesAnAdmin(one, "ada", { role: "admin" })).toBe(true);
    expect(leavesAnAdmin(one, "eve", { signInDisabled: false })).toBe(true);
  });
});
