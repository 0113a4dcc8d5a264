// Files that differ from PC to PC, made from the PC's name alone, so that they are the same in each run: keys, a
// registry-like settings file that has the machine's id in thousands of places, and logs that read like logs.
import { createCipheriv, createHash } from "node:crypto";

const HIVE_BYTES = 12 * 1024 * 1024;
const HIVE_RECORD_BYTES = 3072;
const HIVE_BINARY_BYTES = 768;
const FIXED_SECONDS = 1_700_000_000;
const DAY_SECONDS = 86_400;

const SERVICES = [
  "systemd[1]",
  "kernel",
  "sshd[612]",
  "cron[488]",
  "NetworkManager[530]",
  "cupsd[701]",
] as const;
const EVENTS = [
  "Started Session %n of user pupil.",
  "session opened for user pupil(uid=1000) by (uid=0)",
  "dhcp4 (eth0): state changed new lease, address=10.0.0.%n",
  'audit: type=1400 apparmor="ALLOWED" operation="open" pid=%n',
  "Accepted publickey for admin from 10.0.0.1 port %n ssh2",
  "(root) CMD (test -x /usr/sbin/anacron || run-parts --report /etc/cron.hourly)",
] as const;

/** Bytes that look random, always the same for a name. */
export function bytesOf(name: string, length: number): Buffer {
  const key = createHash("sha256").update(name).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** The 16 bytes a machine is known by, as they stand in its settings. */
export function machineSid(machine: string): Buffer {
  return bytesOf(`${machine} sid`, 16);
}

export function hexOf(name: string, length: number): string {
  return bytesOf(name, length).toString("hex");
}

/** Offsets at which the machine's id stands in its settings file. */
export const HIVE_SID_OFFSETS: readonly number[] = Array.from(
  { length: HIVE_BYTES / HIVE_RECORD_BYTES },
  (_, index) => index * HIVE_RECORD_BYTES + 64 + ((index * 37) % 1024),
);

/** Records of settings, the machine's id in each: a quarter binary values, the rest text, and so about as
 *  compressible as a registry is. */
export function hiveOf(machine: string): Buffer {
  const hive = bytesOf("settings of every machine", HIVE_BYTES);
  const textBytes = HIVE_RECORD_BYTES - HIVE_BINARY_BYTES;
  for (let at = 0; at < HIVE_BYTES; at += HIVE_RECORD_BYTES) {
    const record = at / HIVE_RECORD_BYTES;
    const text = `\\Machine\\Software\\Vendor${record % 97}\\Application${record}\\Settings\\`;
    hive.write(text.repeat(Math.ceil(textBytes / text.length)), at + HIVE_BINARY_BYTES, textBytes);
  }
  const sid = machineSid(machine);
  for (const offset of HIVE_SID_OFFSETS) sid.copy(hive, offset);
  return hive;
}

/** A day's log of a machine, at least so many bytes. */
export function logLines(machine: string, day: number, bytes: number): Buffer {
  const chance = bytesOf(`${machine} log ${day}`, Math.ceil(bytes / 8));
  const lines: string[] = [];
  let length = 0;
  for (let index = 0; length < bytes; index += 1) {
    const draw = chance.readUInt32LE((index * 4) % (chance.length - 4));
    const seconds = FIXED_SECONDS + day * DAY_SECONDS + index * 3 + (draw % 3);
    const time = new Date(seconds * 1000).toISOString();
    const service = SERVICES[draw % SERVICES.length] ?? "";
    const event = (EVENTS[(draw >>> 8) % EVENTS.length] ?? "").replace("%n", `${draw % 65_536}`);
    const line = `${time} ${machine} ${service}: ${event}\n`;
    lines.push(line);
    length += line.length;
  }
  return Buffer.from(lines.join(""));
}
