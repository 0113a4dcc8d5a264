// The files of an identity volume: what cloud-init reads by itself (NoCloud: meta-data, user-data, network-config), one file for
// everything else (as JSON and as lines for a shell), a script for Windows, and files that were asked for. The same values give the same bytes. YAML is written as JSON, which it contains.
// Facts: cloud-init's documentation, "NoCloud" and "Networking config version 2".
import { createHash } from "node:crypto";
import { CodedError } from "#lib/model/errors.ts";
import type { VolumeFile } from "./fat-volume.ts";
import { checkVariableValue } from "./variables.ts";
import { WINDOWS_SPECIALIZE } from "./windows-specialize.ts";

/** Names with a meaning of their own. All others are only handed on. */
export const IDENTITY_NAMES = {
  hostName: "host_name",
  domain: "domain",
  /** With its length, such as 10.1.0.17/24; without it, DHCP. */
  address: "ip_address",
  /** Of the wired network card, as Linux calls it. Without it only netplan finds the card. */
  networkCard: "network_card",
  gateway: "gateway",
  /** Separated by commas. */
  nameServers: "dns",
  timeZone: "time_zone",
} as const;

const HOST_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
const CARD_NAME = /^[a-z][a-z0-9]{0,14}$/;
const ADDRESS = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const FILES = "files/";

export type Values = ReadonlyMap<string, string>;

/** Everything on the volume. `extra`: paths below files/, as they shall stand there. */
export function identityFiles(values: Values, extra: readonly VolumeFile[] = []): VolumeFile[] {
  const all = Object.fromEntries([...values].sort(byName));
  for (const [name, value] of values) checkVariableValue(name, value);
  const hostName = hostNameOf(values);
  const network = networkConfig(values);
  const files: VolumeFile[] = [
    textFile("identity.json", `${JSON.stringify({ version: 1, values: all }, null, 2)}\n`),
    textFile("identity.env", [...values].sort(byName).map(environmentLine).join("")),
    textFile("windows/specialize.ps1", WINDOWS_SPECIALIZE),
    textFile("user-data", `#cloud-config\n${JSON.stringify(userData(values, hostName), null, 2)}\n`),
    ...(network === null ? [] : [textFile("network-config", `${JSON.stringify(network, null, 2)}\n`)]),
    ...extra.map(({ path, bytes }) => ({ path: `${FILES}${path}`, bytes })),
  ];
  // cloud-init applies a new instance's data once: the id follows from everything that is there.
  const digest = createHash("sha256");
  for (const { path, bytes } of files) digest.update(`${path}\0${bytes.length}\0`).update(bytes);
  const metaData = {
    "instance-id": `sheepfold-${digest.digest("hex").slice(0, 24)}`,
    ...(hostName === null ? {} : { "local-hostname": hostName }),
  };
  return [textFile("meta-data", `${JSON.stringify(metaData, null, 2)}\n`), ...files];
}

function byName([left]: readonly [string, string], [right]: readonly [string, string]): number {
  return left < right ? -1 : 1;
}

/** For readers of a few lines: a shell reads the file as it is, and takes nothing in a value for a command. */
function environmentLine([name, value]: readonly [string, string]): string {
  return `${name.toUpperCase()}='${value.replaceAll("'", "'\\''")}'\n`;
}

function hostNameOf(values: Values): string | null {
  const name = values.get(IDENTITY_NAMES.hostName);
  if (name === undefined || name === "") return null;
  if (HOST_NAME.test(name)) return name;
  throw new CodedError("input-invalid", `"${name.slice(0, 70)}" cannot be a host's name.`, {
    hint: "Host names have 1 to 63 letters, digits and hyphens, and begin and end with none of the last.",
  });
}

function domainOf(values: Values): string {
  const domain = values.get(IDENTITY_NAMES.domain) ?? "";
  if (domain === "" || domain.split(".").every((label) => HOST_NAME.test(label))) return domain;
  throw new CodedError("input-invalid", `"${domain.slice(0, 70)}" cannot be a domain.`, {
    hint: "Domains are names like hosts', with dots between them, such as school.example.",
  });
}

function userData(values: Values, hostName: string | null): object {
  const domain = domainOf(values);
  const timeZone = values.get(IDENTITY_NAMES.timeZone) ?? "";
  return {
    ...(hostName === null ? {} : { hostname: hostName, preserve_hostname: false }),
    ...(hostName === null || domain === "" ? {} : { fqdn: `${hostName}.${domain}` }),
    ...(timeZone === "" ? {} : { timezone: timeZone }),
  };
}

/** Null: nothing is asked for, and cloud-init's own choice is right, DHCP on the card that is connected. A card is matched by "e*" only when
 *  its name was not given: netplan understands this, while ifupdown, NetworkManager and networkd are told of a card of the entry's name. */
function networkConfig(values: Values): object | null {
  const address = values.get(IDENTITY_NAMES.address) ?? "";
  const card = cardOf(values);
  if (address === "" && card === null) return null;
  const way = address === "" ? { dhcp4: true } : fixedAddress(values, address);
  const ethernets = card === null ? { wired: { match: { name: "e*" }, ...way } } : { [card]: way };
  return { version: 2, ethernets };
}

function fixedAddress(values: Values, address: string): object {
  checkAddress(IDENTITY_NAMES.address, address, true);
  const gateway = values.get(IDENTITY_NAMES.gateway) ?? "";
  if (gateway !== "") checkAddress(IDENTITY_NAMES.gateway, gateway, false);
  const servers = (values.get(IDENTITY_NAMES.nameServers) ?? "")
    .split(",")
    .map((server) => server.trim())
    .filter((server) => server !== "");
  for (const server of servers) checkAddress(IDENTITY_NAMES.nameServers, server, false);
  return {
    dhcp4: false,
    addresses: [address],
    ...(gateway === "" ? {} : { routes: [{ to: "0.0.0.0/0", via: gateway }] }),
    ...(servers.length === 0 ? {} : { nameservers: { addresses: servers } }),
  };
}

function cardOf(values: Values): string | null {
  const card = values.get(IDENTITY_NAMES.networkCard) ?? "";
  if (card === "") return null;
  if (CARD_NAME.test(card)) return card;
  throw new CodedError("input-invalid", `"${card.slice(0, 40)}" cannot be a network card's name.`, {
    hint: "Give it as Linux calls it, such as enp0s31f6 (ip link shows it).",
  });
}

function checkAddress(name: string, text: string, withLength: boolean): void {
  const [address = "", length, ...rest] = text.split("/");
  const parts = ADDRESS.exec(address)?.slice(1).map(Number) ?? [256];
  const isLengthRight =
    rest.length === 0 &&
    (withLength ? /^\d{1,2}$/.test(length ?? "") && Number(length) <= 32 : length === undefined);
  if (parts.every((part) => part <= 255) && isLengthRight) return;
  throw new CodedError("input-invalid", `${name} is "${text.slice(0, 40)}", which is no address.`, {
    hint: withLength
      ? "Give it with its length, such as 10.1.0.17/24."
      : "Give an IPv4 address, such as 10.1.0.1.",
  });
}

function textFile(path: string, text: string): VolumeFile {
  return { path, bytes: Buffer.from(text) };
}
