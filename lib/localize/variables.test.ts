import { describe, expect, test } from "vitest";
import type { Variable } from "#lib/model/localization.ts";
import { checkVariableName, checkVariableValue, duplicatesOf, resolveVariables } from "./variables.ts";

const plain = (name: string, scope: Variable["scope"], scopeId: string, value: string): Variable => ({
  ...{ name, scope, scopeId, value, sealed: null },
});
const VARIABLES: readonly Variable[] = [
  plain("printer", "global", "", "hall"),
  plain("printer", "classroom", "group_a", "lab-a"),
  plain("printer", "node", "node_1", "own"),
  plain("dns", "global", "", "10.0.0.1"),
  { name: "licence", scope: "node", scopeId: "node_2", value: null, sealed: "sealed" },
];
const of = (nodeId: string, groupId: string | null) =>
  Object.fromEntries(resolveVariables(VARIABLES, { nodeId, groupId }));

describe("a PC's variables", () => {
  test("the nearest wins, and says where it is from", () => {
    expect(of("node_1", "group_a")).toEqual({
      printer: { value: "own", sealed: null, from: "node" },
      dns: { value: "10.0.0.1", sealed: null, from: "global" },
    });
    expect(of("node_2", "group_a").printer).toMatchObject({ value: "lab-a", from: "classroom" });
    expect(of("node_3", "group_b").printer).toMatchObject({ value: "hall", from: "global" });
  });

  test("of a PC in no classroom, and a secret that is there but not shown", () => {
    expect(of("node_2", null)).toMatchObject({
      printer: { value: "hall", from: "global" },
      licence: { value: null, sealed: "sealed", from: "node" },
    });
  });
});

describe("names and values", () => {
  for (const name of ["", "Host", "1st", "a-b", "a b", "a".repeat(64)]) {
    test(`"${name.slice(0, 8)}" is no name`, () => {
      expect(() => checkVariableName(name)).toThrow(expect.objectContaining({ code: "input-invalid" }));
    });
  }
  test("ordinary ones are", () => {
    for (const name of ["a", "host_name", "ip4", "a".repeat(63)]) checkVariableName(name);
    checkVariableValue("motd", "two\nlines\tand a tab");
  });
  test("no NUL, no escape sequences, not too long", () => {
    for (const value of ["a\0b", "\u001b[31m", "x".repeat(4097)])
      expect(() => checkVariableValue("a", value)).toThrow(
        expect.objectContaining({ code: "input-invalid" }),
      );
  });
});

test("two PCs with one name or address are named, whatever its case; empty and secret ones are not", () => {
  const node = (host: string, licence: string | null) =>
    new Map([
      ["host_name", { value: host, sealed: null, from: "node" as const }],
      ["licence", { value: licence, sealed: null, from: "node" as const }],
    ]);
  const byNode = new Map([
    ["node_1", node("LAB-01", null)],
    ["node_2", node("lab-01", null)],
    ["node_3", node("lab-03", "")],
    ["node_4", node("lab-04", "")],
  ]);
  expect(duplicatesOf(byNode, ["host_name", "licence"])).toEqual([
    { name: "host_name", value: "LAB-01", nodeIds: ["node_1", "node_2"] },
  ]);
});
