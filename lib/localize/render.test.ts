import { describe, expect, test } from "vitest";
import type { LocalizationContent, LocalizationSpec, TokenScan, Variable } from "#lib/model/localization.ts";
import { contentFor, digestOf } from "./content.ts";
import { decideLocalizations, type MasterFacts, type VariableFacts } from "./decide.ts";
import { previewOf } from "./preview.ts";
import { checkMaster, render, volumeOf } from "./render.ts";

const MIB = 1024 * 1024;
const place = (name: string, offsetBytes: number, lengthBytes = 20) => ({
  ...{ name, offsetBytes, lengthBytes, encoding: "utf8" as const, surroundings: ["00"] },
});
const SCAN: TokenScan = [
  { partition: "p1", tokens: [place("host_name", 100), place("licence", 300)], obstacles: [] },
  { partition: "p2", tokens: [], obstacles: [] },
];
const SPEC: LocalizationSpec = {
  identityImage: "p2",
  tokens: [
    { name: "host_name", padding: "space", count: 1 },
    { name: "licence", padding: "nul", count: 1 },
  ],
  recipes: [{ kind: "set-host-name", partition: "p1", hostName: "{{host_name}}" }],
};
const MASTER: MasterFacts = {
  spec: SPEC,
  scan: SCAN,
  images: [
    { partition: "p1", sizeBytes: 64 * MIB },
    { partition: "p2", sizeBytes: 8 * MIB },
  ],
};
const node = (nodeId: string) => ({
  nodeId,
  ...{ name: nodeId, groupId: "g1", groupName: "Lab A", seat: 3 },
});
const variable = (name: string, scopeId: string, value: string): Variable => ({
  ...{ name, scopeId, value, sealed: null },
  scope: scopeId === "" ? "global" : scopeId === "g1" ? "classroom" : "node",
});
const secret = (name: string, plain: string): Variable => ({
  ...{ name, scope: "global", scopeId: "", value: null, sealed: `sealed ${plain}` },
});
const unseal = (_name: string, sealed: string) => sealed.replace("sealed ", "");
const names = (...unique: string[]) =>
  ["host_name", "licence", "wifi_key"].map((name) => ({
    ...{ name, isSecret: name === "wifi_key", isUnique: unique.includes(name), note: "" },
  }));
const FACTS: VariableFacts = {
  names: names("host_name", "licence"),
  variables: [
    variable("host_name", "a", "lab-a-01"),
    variable("host_name", "b", "lab-a-02"),
    variable("licence", "a", "AAAA-1"),
    variable("licence", "b", "AAAA-2"),
    variable("printer", "g1", "hall"),
    secret("wifi_key", "hunter2"),
  ],
  files: [{ groupId: "", path: "wifi.conf", template: "psk={{wifi_key}} for {{node_name}} on {{printer}}" }],
  nodes: [node("a"), node("b")],
};

function problemOf(change: { master?: Partial<MasterFacts>; facts?: Partial<VariableFacts> }): string {
  const decided = decideLocalizations(
    { ...MASTER, ...change.master },
    { ...FACTS, ...change.facts },
    ["a"],
    unseal,
  );
  const { problem } = decided.get("a") ?? { problem: null };
  return problem === null ? "none" : `${problem.code}: ${problem.message}`;
}

describe("a PC is left out, with the reason", () => {
  const without = (name: string) => FACTS.variables.filter((each) => each.name !== name);
  const CASES: readonly [string, Parameters<typeof problemOf>[0], string | RegExp][] = [
    ["never, when all is well", {}, "none"],
    [
      "when a value is missing",
      { facts: { variables: without("licence") } },
      /^variable-missing: .*"licence"/,
    ],
    [
      "when a file names what has no value",
      { facts: { variables: without("printer") } },
      /^variable-missing: The file wifi.conf names "printer"/,
    ],
    [
      "when a value is too long for its token",
      { facts: { variables: [...without("licence"), variable("licence", "a", "X".repeat(21))] } },
      /^localization-refused: The value of licence needs 21 bytes, its token has 20/,
    ],
    [
      "when a name cannot be a host's",
      { facts: { variables: [...without("host_name"), variable("host_name", "a", "lab a")] } },
      /^input-invalid: "lab a" cannot be a host's name/,
    ],
    [
      "when a declared token is nowhere",
      { master: { scan: [{ partition: "p1", tokens: [place("host_name", 100)], obstacles: [] }] } },
      /^localization-refused: The token licence is nowhere/,
    ],
    [
      "when a token is in more places than declared",
      {
        master: {
          scan: [
            {
              ...SCAN[0],
              partition: "p1",
              obstacles: [],
              tokens: [...(SCAN[0]?.tokens ?? []), place("licence", 900)],
            },
          ],
        },
      },
      /^localization-refused: The token licence is in 2 places of the master, and was declared for 1/,
    ],
    [
      "when the partition is encrypted",
      {
        master: {
          scan: [
            {
              partition: "p1",
              tokens: SCAN[0]?.tokens ?? [],
              obstacles: [{ reason: "encrypted", explanation: "By LUKS." }],
            },
          ],
        },
      },
      /^localization-refused: Tokens in p1 cannot be replaced. By LUKS./,
    ],
    ["when nothing is declared", { master: { spec: null } }, /^localization-refused: Nothing is declared/],
    [
      "when it was not looked through",
      { master: { scan: null } },
      /^localization-refused: .*not been looked/,
    ],
    [
      "when another PC has the same name, whatever its case, also one that is not localized now",
      {
        facts: {
          variables: [
            ...without("host_name"),
            variable("host_name", "a", "lab"),
            variable("host_name", "b", "LAB"),
          ],
        },
      },
      /^identity-duplicate: Its host_name "lab" is also that of b/,
    ],
    [
      "when another PC has the same secret of which there may be one only, which is not said",
      {
        facts: {
          names: names("wifi_key"),
          variables: FACTS.variables,
        },
      },
      /^identity-duplicate: Its wifi_key is also that of b\.$/,
    ],
    [
      "when the identity partition is too small for the files",
      {
        master: {
          images: [
            { partition: "p1", sizeBytes: 64 * MIB },
            { partition: "p2", sizeBytes: 64 * 1024 },
          ],
        },
        facts: { files: [{ groupId: "", path: "big.bin", template: "x".repeat(60_000) }] },
      },
      /^target-too-small/,
    ],
    [
      "when a recipe becomes something the agent refuses",
      {
        master: {
          spec: {
            ...SPEC,
            recipes: [{ kind: "put-file", partition: "p1", path: "/etc/{{printer}}/../x", content: "" }],
          },
        },
      },
      /^localization-refused: Recipe 1 cannot be/,
    ],
  ];
  for (const [when, change, expected] of CASES) test(when, () => expect(problemOf(change)).toMatch(expected));
});

describe("what a PC is told", () => {
  const content = (variables = FACTS.variables): LocalizationContent =>
    decideLocalizations(MASTER, { ...FACTS, variables }, ["a"], unseal).get("a")
      ?.content as LocalizationContent;

  test("a secret goes where it is named and nowhere else, and no preview shows it", () => {
    const rendered = render(content(), SCAN, unseal);
    const files = new Map(
      rendered.volume?.files.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()]),
    );
    expect(files.get("files/wifi.conf")).toBe("psk=hunter2 for a on hall");
    expect(files.get("identity.json")).not.toContain("hunter2");
    expect(files.get("identity.env")).toContain("HOST_NAME='lab-a-01'\n");
    const shown = JSON.stringify(previewOf(content(), SCAN, 8 * MIB));
    expect(shown).not.toContain("hunter2");
    expect(shown).toContain("psk=(secret) for a on hall");
  });

  test("a secret that nothing names is not even frozen", () => {
    const { sealed } = contentFor(
      SPEC,
      { nodeName: "a", groupName: null, seat: null },
      new Map([["wifi_key", { value: null, sealed: "sealed x", from: "global" }]]),
      [],
    );
    expect(sealed).toEqual({});
  });

  test("its hash changes with every value, and only then", () => {
    const before = digestOf(content());
    expect(digestOf(JSON.parse(JSON.stringify(content())))).toBe(before);
    const reordered = [...FACTS.variables].reverse();
    expect(digestOf(content(reordered))).toBe(before);
    const changed = FACTS.variables.map((each) =>
      each.name === "printer" ? { ...each, value: "attic" } : each,
    );
    expect(digestOf(content(changed))).not.toBe(before);
  });

  test("the same content makes the same volume, byte for byte", () => {
    const volume = () => volumeOf(render(content(), SCAN, unseal).volume?.files ?? [], 8 * MIB);
    expect(volume().equals(volume())).toBe(true);
  });

  test("recipes are filled and checked", () => {
    expect(render(content(), SCAN, unseal).recipes).toEqual([
      { kind: "set-host-name", partition: "p1", hostName: "lab-a-01" },
    ]);
  });
});

test("a dirty hive stands against its own token only", () => {
  const scan: TokenScan = [
    {
      partition: "p1",
      tokens: [place("host_name", 100), place("other", 500)],
      obstacles: [{ reason: "dirty-hive", explanation: "Dirty.", token: "other" }],
    },
  ];
  const spec = {
    identityImage: null,
    recipes: [],
    tokens: [{ name: "host_name", padding: "space" as const, count: 1 }],
  };
  expect(() => checkMaster(spec, scan, ["p1"])).not.toThrow();
  expect(() =>
    checkMaster(
      { ...spec, tokens: [{ ...spec.tokens[0], name: "other", padding: "space", count: 1 }] },
      scan,
      ["p1"],
    ),
  ).toThrow("Dirty.");
});
