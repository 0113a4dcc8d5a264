import { describe, expect, test } from "vitest";
import { makeFatVolume } from "./fat-volume.ts";
import { identityFiles } from "./identity-files.ts";

const VALUES = new Map([
  ["host_name", "lab-a-01"],
  ["domain", "school.example"],
  ["ip_address", "10.1.0.17/24"],
  ["gateway", "10.1.0.1"],
  ["dns", "10.1.0.1, 10.1.0.2"],
  ["printer", 'the "big" one: hall\nsecond line'],
]);

function read(values: ReadonlyMap<string, string>) {
  const files = new Map(
    identityFiles(values).map(({ path, bytes }) => [path, Buffer.from(bytes).toString()]),
  );
  const json = (path: string) => JSON.parse((files.get(path) ?? "").replace(/^#cloud-config\n/, ""));
  return { files, json };
}

describe("the identity's files", () => {
  test("say name and network to cloud-init, and everything to whoever reads identity.json", () => {
    const { json, files } = read(VALUES);
    expect(json("meta-data")).toMatchObject({ "local-hostname": "lab-a-01" });
    expect(files.get("user-data")).toMatch(/^#cloud-config\n/);
    expect(json("user-data")).toEqual({
      ...{ hostname: "lab-a-01", preserve_hostname: false, fqdn: "lab-a-01.school.example" },
    });
    expect(json("network-config")).toEqual({
      version: 2,
      ethernets: {
        wired: {
          ...{ match: { name: "e*" }, dhcp4: false, addresses: ["10.1.0.17/24"] },
          routes: [{ to: "0.0.0.0/0", via: "10.1.0.1" }],
          nameservers: { addresses: ["10.1.0.1", "10.1.0.2"] },
        },
      },
    });
    expect(json("identity.json").values).toEqual(Object.fromEntries(VALUES));
  });

  test("without an address the network is left to cloud-init, without a name none is set", () => {
    const { json, files } = read(new Map());
    expect(files.has("network-config")).toBe(false);
    expect(json("meta-data")).not.toHaveProperty("local-hostname");
    expect(json("user-data")).toEqual({});
  });

  test("a network card that is named is the one that is meant, also for DHCP", () => {
    const dhcp = read(new Map([["network_card", "enp3s0"]])).json("network-config");
    expect(dhcp).toEqual({ version: 2, ethernets: { enp3s0: { dhcp4: true } } });
    const { ethernets } = read(new Map([...VALUES, ["network_card", "enp3s0"]])).json("network-config");
    expect(ethernets).toMatchObject({ enp3s0: { dhcp4: false, addresses: ["10.1.0.17/24"] } });
    expect(ethernets.enp3s0).not.toHaveProperty("match");
  });

  test("the instance is another one when anything is, and the same when nothing is", () => {
    const idOf = (values: ReadonlyMap<string, string>) => read(values).json("meta-data")["instance-id"];
    expect(idOf(VALUES)).toBe(idOf(new Map([...VALUES].reverse())));
    expect(idOf(VALUES)).not.toBe(idOf(new Map([...VALUES, ["printer", "another"]])));
  });

  test("files that were asked for lie below files/, and all of it fits a volume of a MiB", () => {
    const files = identityFiles(VALUES, [{ path: "etc/licence.key", bytes: Buffer.from("k") }]);
    expect(files.at(-1)?.path).toBe("files/etc/licence.key");
    makeFatVolume({ label: "CIDATA", sizeBytes: 1024 * 1024, files });
  });
});

describe("refused", () => {
  const CASES: readonly [string, string][] = [
    ["host_name", "lab_a"],
    ["host_name", "-lab"],
    ["host_name", "a".repeat(64)],
    ["host_name", "lab\n  evil: true"],
    ["domain", "school example"],
    ["domain", "school..example"],
    ["network_card", "../eth0"],
    ["network_card", "e*"],
    ["ip_address", "10.1.0.17"],
    ["ip_address", "10.1.0.300/24"],
    ["ip_address", "10.1.0.17/33"],
    ["printer", "with a \0"],
  ];
  for (const [name, value] of CASES) {
    test(`${name} ${JSON.stringify(value.slice(0, 20))}`, () => {
      expect(() => identityFiles(new Map([[name, value]]))).toThrow(
        expect.objectContaining({ code: "input-invalid" }),
      );
    });
  }
  test("a gateway or name server that is none", () => {
    for (const name of ["gateway", "dns"]) {
      const values = new Map([...VALUES, [name, "10.1.0.1/24"]]);
      expect(() => identityFiles(values)).toThrow(expect.objectContaining({ code: "input-invalid" }));
    }
  });
});
