// A registry hive with a root key and nothing else, byte by byte: no package brings one. Tests fill it with hivexsh.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checksumOf } from "./hive.ts";

const NONE = 0xffff_ffff;
const CELLS_AT = 0x1000;
const BIN_BYTES = 0x1000;
const ROOT = { at: 0x20, bytes: 96, name: "$$$PROTO.HIV" } as const;
const SECURITY = { at: ROOT.at + ROOT.bytes, bytes: 48, descriptorBytes: 20 } as const;

export function emptyHive(): Buffer {
  const bytes = Buffer.alloc(CELLS_AT + BIN_BYTES);
  const put = (base: number, numbers: Readonly<Record<number, number>>) => {
    for (const [at, number] of Object.entries(numbers)) bytes.writeUInt32LE(number, base + Number(at));
  };
  bytes.write("regf", 0, "latin1");
  // Sequence numbers; version 1.5; the root's place; the length of all bins.
  put(0, { 4: 1, 8: 1, 20: 1, 24: 5, 32: 1, 36: ROOT.at, 40: BIN_BYTES, 44: 1 });
  bytes.write("hbin", CELLS_AT, "latin1");
  put(CELLS_AT, { 8: BIN_BYTES });

  const root = CELLS_AT + ROOT.at;
  bytes.writeInt32LE(-ROOT.bytes, root);
  bytes.write("nk", root + 4, "latin1");
  bytes.writeUInt16LE(0x2c, root + 6); // The root, not to be deleted, its name one byte a character.
  put(root + 4, { 16: NONE, 28: NONE, 32: NONE, 40: NONE, 44: SECURITY.at, 48: NONE });
  bytes.writeUInt16LE(ROOT.name.length, root + 4 + 72);
  bytes.write(ROOT.name, root + 4 + 76, "latin1");

  const security = CELLS_AT + SECURITY.at;
  bytes.writeInt32LE(-SECURITY.bytes, security);
  bytes.write("sk", security + 4, "latin1");
  put(security + 4, { 4: SECURITY.at, 8: SECURITY.at, 12: 1, 16: SECURITY.descriptorBytes, 20: 0x8000_0001 });

  bytes.writeInt32LE(BIN_BYTES - SECURITY.at - SECURITY.bytes, security + SECURITY.bytes);
  bytes.writeUInt32LE(checksumOf(bytes), 0x1fc);
  return bytes;
}

/** The hive after these commands of hivexsh. */
export function filledHive(...commands: readonly string[]): Buffer {
  return inHive(emptyHive(), ["-w"], [...commands, "commit"]).bytes;
}

/** What hivexsh says of it. */
export function askHive(bytes: Buffer, ...commands: readonly string[]): string {
  return inHive(bytes, [], commands).output;
}

function inHive(
  bytes: Buffer,
  options: readonly string[],
  commands: readonly string[],
): { bytes: Buffer; output: string } {
  const folder = mkdtempSync(join(tmpdir(), "sheepfold-hive-"));
  const file = join(folder, "hive");
  try {
    writeFileSync(file, bytes);
    const output = execFileSync("hivexsh", [...options, file], {
      input: `${commands.join("\n")}\n`,
      env: { ...process.env, HOME: folder },
      stdio: "pipe",
    });
    return { bytes: readFileSync(file), output: output.toString() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
