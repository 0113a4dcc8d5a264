// Makes a mounted copy of the master one particular PC: name, ids, keys, network, printer, licence, the machine's id in
// thousands of places of its settings, preferences; then a first day: logs and journal grow, files have been touched.
// Usage: localize.ts ROOT NUMBER
import { appendFile, mkdir, open, opendir, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { bytesOf, HIVE_SID_OFFSETS, hexOf, logLines, machineSid } from "./machine-files.ts";

const LOG_BYTES = 1024 * 1024;
const JOURNAL_BYTES = 512 * 1024;
const TOUCHED_COUNT = 2000;
const FIXED_SECONDS = 1_700_000_000;

const [root = "", numberText = ""] = process.argv.slice(2);
const number = Number(numberText);
const machine = `pc-${String(number).padStart(3, "0")}`;

for (const [name, content] of identityFiles()) {
  await mkdir(dirname(join(root, name)), { recursive: true });
  await writeFile(join(root, name), content);
}
await replaceSid();
await appendFile(join(root, "var/log/syslog"), logLines(machine, number, LOG_BYTES));
await appendFile(join(root, "var/log/journal/system.journal"), logLines(machine, number + 1, JOURNAL_BYTES));
await touchSome();

function identityFiles(): (readonly [string, string])[] {
  const key = (kind: string) => bytesOf(`${machine} ${kind}`, 1200).toString("base64");
  const address = `10.0.${Math.floor(number / 250)}.${(number % 250) + 2}`;
  return [
    ["etc/hostname", `${machine}\n`],
    ["etc/hosts", `127.0.0.1 localhost\n127.0.1.1 ${machine}\n${address} ${machine}.school.example\n`],
    ["etc/machine-id", `${hexOf(`${machine} id`, 16)}\n`],
    [
      "etc/network/interfaces",
      `auto eth0\niface eth0 inet static\n  address ${address}/16\n  gateway 10.0.0.1\n`,
    ],
    ...["rsa", "ecdsa", "ed25519"].map(
      (kind) =>
        [`etc/ssh/ssh_host_${kind}_key`, `-----BEGIN KEY-----\n${key(kind)}\n-----END KEY-----\n`] as const,
    ),
    [
      "etc/cups/printers.conf",
      `<Printer room-${number % 5}>\nDeviceURI ipp://10.0.200.${number % 5}\n</Printer>\n`,
    ],
    ["etc/licence.key", `${hexOf(`${machine} licence`, 64)}\n`],
    ["home/pupil/.config/desktop.ini", `[Desktop]\nTheme=room-${number % 5}\nHost=${machine}\n`],
  ];
}

/** In place, as a registry is changed. */
async function replaceSid(): Promise<void> {
  const sid = machineSid(machine);
  const hive = await open(join(root, "var/lib/machine/settings.hive"), "r+");
  try {
    for (const offset of HIVE_SID_OFFSETS) await hive.write(sid, 0, sid.length, offset);
  } finally {
    await hive.close();
  }
}

async function touchSome(): Promise<void> {
  let count = 0;
  for await (const entry of await opendir(join(root, "usr"), { recursive: true })) {
    if (!entry.isFile()) continue;
    const seconds = FIXED_SECONDS + number * 60 + count;
    await utimes(join(entry.parentPath, entry.name), seconds, seconds);
    count += 1;
    if (count === TOUCHED_COUNT) return;
  }
}
