// What makes the PCs of the set localized differ: seven facts, and the files of a machine that hold them. The master's files are
// written with tokens in their places, a PC's are expected with its values there: one description for both, so that the comparison
// knows nothing of what the product thinks.
import { createHash } from "node:crypto";
import { logLines } from "../sets/machine-files.ts";

export const FACT_NAMES = [
  "host_name",
  "ip_address",
  "printer",
  "licence",
  "machine_id",
  "asset_tag",
  "sid",
] as const;
export type FactName = (typeof FACT_NAMES)[number];
export type Facts = Readonly<Record<FactName, string>>;

/** Characters of the places in the master; those that are not here are put by recipes. */
const ROOM = { host_name: 24, ip_address: 20, printer: 32, licence: 32, asset_tag: 20, sid: 48 } as const;
export type TokenName = keyof typeof ROOM;
type Writer = (name: TokenName) => string;

export interface MachineFile {
  readonly path: string;
  readonly bytes: Buffer;
}

const SETTINGS_COUNT = 800;
const LOG_BYTES = 384 * 1024;
const LOG_MACHINE = "the-master";
/** The hosts of 10.17.0.0/16 that the classroom may have: more than --clones can ask for. */
export const ADDRESS_RANGE = "10.17.0.11-10.17.39.250/16";
const FIRST_HOST = 11;

/** Of PC `number`, from 1. Each value stands for this PC alone, and is told from anything else on a disk by its form. */
export function factsOf(number: number): Facts {
  const digest = createHash("sha256").update(`localized PC ${number}`).digest();
  const host = FIRST_HOST + number - 1;
  return {
    host_name: `lab-a-${inDigits(number, 4)}`,
    ip_address: `10.17.${Math.floor(host / 256)}.${host % 256}/16`,
    printer: `laser-${inDigits(number, 4)}.school.example`,
    licence: `SHEEP-${digest.toString("hex", 0, 10).toUpperCase()}`,
    machine_id: `5eef${digest.toString("hex", 10, 24)}`,
    asset_tag: `INV-${inDigits(number, 6)}`,
    sid: `S-1-5-21-${digest.readUInt32LE(24)}-${digest.readUInt32LE(28)}-1000`,
  };
}

export const HOST_PATTERN = "lab-a-{index:04}";
export const ASSET_PATTERN = "INV-{index:06}";

/** Any PC's facts, wherever they stand. */
export const FACT_FORMS =
  /lab-a-\d{4}|10\.17\.\d{1,3}\.\d{1,3}\/16|laser-\d{4}\.school\.example|SHEEP-[0-9A-F]{20}|5eef[0-9a-f]{28}|INV-\d{6}|S-1-5-21-\d+-\d+-1000/g;

function inDigits(number: number, digits: number): string {
  return String(number).padStart(digits, "0");
}

const asToken: Writer = (name) => `@@${name.padEnd(ROOM[name] - 4, "_")}@@`;

function asValueOf(facts: Facts): Writer {
  return (name) => facts[name].padEnd(ROOM[name]);
}

/** Everything that recipes and tokens change, as it is on the master. */
export function masterFiles(): MachineFile[] {
  return [
    ...filesWritten(asToken),
    textFile("etc/hostname", "the-master\n"),
    textFile("etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\tthe-master\n"),
    textFile("etc/machine-id", "uninitialized\n"),
    textFile("etc/environment", `PATH="/usr/local/bin:/usr/bin"\nASSET_TAG=none\nLANG=C.UTF-8\n`),
  ];
}

/** In how many places a token was put. */
export function tokenCounts(): Map<TokenName, number> {
  const counts = new Map<TokenName, number>();
  filesWritten((name) => {
    counts.set(name, (counts.get(name) ?? 0) + 1);
    return "";
  });
  return counts;
}

/** The same files as they must be on the PC with these facts. */
export function expectedFiles(facts: Facts): MachineFile[] {
  return [
    ...filesWritten(asValueOf(facts)),
    textFile("etc/hostname", `${facts.host_name}\n`),
    textFile("etc/hosts", `127.0.0.1\tlocalhost\n127.0.1.1\t${facts.host_name}\n`),
    textFile("etc/machine-id", `${facts.machine_id}\n`),
    textFile(
      "etc/environment",
      `PATH="/usr/local/bin:/usr/bin"\nASSET_TAG=${facts.asset_tag}\nLANG=C.UTF-8\n`,
    ),
    textFile("var/log/localized.log", filled(FIRST_LOG, facts)),
  ];
}

export const FIRST_LOG =
  "{{host_name}} has {{ip_address}} and prints on {{printer}}.\n{{host_name}} is {{asset_tag}} in the inventory.\n";
/** Put onto the identity volume, below files/. */
export const VOLUME_FILE = { path: "school/seat.txt", template: "{{asset_tag}} {{licence}}\n" } as const;

/** What the files of the identity volume must say: the templates above are filled here a second time, by other code. */
export function filled(template: string, facts: Facts): string {
  return FACT_NAMES.reduce((text, name) => text.replaceAll(`{{${name}}}`, facts[name]), template);
}

export function recipes(partition: string) {
  return [
    { kind: "set-host-name", partition, hostName: "{{host_name}}" },
    {
      ...{ kind: "put-file", partition, path: "/etc/machine-id", mode: 0o444 },
      content: "{{machine_id}}\n",
    },
    {
      ...{ kind: "set-line", partition, path: "/etc/environment", match: "ASSET_TAG=" },
      line: "ASSET_TAG={{asset_tag}}",
    },
    { kind: "put-file", partition, path: "/var/log/localized.log", content: FIRST_LOG },
  ];
}

function filesWritten(word: Writer): MachineFile[] {
  return [
    textFile(
      "etc/network/interfaces.d/wired",
      `auto eth0\niface eth0 inet static\n  address ${word("ip_address")}\n`,
    ),
    textFile("etc/cups/printers.conf", `<DefaultPrinter desk>\nInfo ${word("printer")}\n</DefaultPrinter>\n`),
    textFile("etc/licence.key", `${word("licence")}\n`),
    textFile("etc/school.conf", `asset = ${word("asset_tag")}\nhost = ${word("host_name")}\n`),
    { path: "var/lib/machine/settings.dat", bytes: Buffer.from(settings(word), "utf16le") },
    textFile("var/log/syslog", systemLog(word)),
  ];
}

/** Reads like a registry that was exported: UTF-16LE, with the machine's ids all over it. */
function settings(word: Writer): string {
  const records = Array.from({ length: SETTINGS_COUNT }, (_, index) =>
    [
      `[HKEY_LOCAL_MACHINE\\SOFTWARE\\Vendor${index % 97}\\Application${index}\\Settings]`,
      `"InstalledBy"="${word("sid")}"`,
      ...(index % 4 === 0 ? [`"Computer"="${word("host_name")}"`] : []),
      ...(index % 16 === 0 ? [`"Key"="${word("licence")}"`, `"Tag"="${word("asset_tag")}"`] : []),
      `"Version"=dword:${index.toString(16).padStart(8, "0")}`,
      `"Path"="C:\\\\Program Files\\\\Vendor${index % 97}\\\\Application${index}\\\\"`,
      "",
    ].join("\r\n"),
  );
  return `\ufeffWindows Registry Editor Version 5.00\r\n\r\n${records.join("\r\n")}`;
}

function systemLog(word: Writer): string {
  const lines = logLines(LOG_MACHINE, 0, LOG_BYTES).toString("utf8").split("\n");
  return lines.map((line) => line.replace(` ${LOG_MACHINE} `, () => ` ${word("host_name")} `)).join("\n");
}

function textFile(path: string, text: string): MachineFile {
  return { path, bytes: Buffer.from(text) };
}
