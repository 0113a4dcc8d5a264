// Key files: 32 random bytes as a line of text, which is all the secret there is. Made for their owner only, refused when
// anyone may read them.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { type Random, systemRandom } from "#lib/model/clock.ts";
import { CodedError } from "#lib/model/errors.ts";
import { bytesOfHex, hexOf } from "../format/bytes.ts";
import { KEY_BYTES } from "./aead.ts";
import type { RepositoryKey } from "./key-slots.ts";

const FILE_BYTES_MAX = 4096;
const OTHERS = 0o007;
const HEADING =
  "# Sheepfold key file. Keep a copy of it away from the repository: without it nothing there can be read.";

/** CodedError "key-missing" when it is not there, "key-wrong" when it is no key file. */
export async function readKeyFile(path: string): Promise<RepositoryKey> {
  let text: string;
  try {
    text = await guardedText(path);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError("key-missing", `The key file ${path} cannot be read: ${reasonOf(error)}.`, {
      hint: "Check the path, or put the file back from its copy. A passphrase or another key file of the repository opens it, too.",
      cause: error,
    });
  }
  const bytes = keyOf(text);
  if (bytes !== null) return { kind: "key-file", bytes };
  throw new CodedError(
    "key-wrong",
    `${path} is not a key file: it is not ${KEY_BYTES} bytes of hex or base64.`,
    {
      hint: "Name the file that `sheepfold repo init --encrypt key-file:PATH` or `repo key add` made.",
    },
  );
}

async function guardedText(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { mode, size } = await file.stat();
    if ((mode & OTHERS) !== 0) throw exposed(path);
    const bytes = Buffer.alloc(Math.min(size, FILE_BYTES_MAX));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.toString("latin1", 0, bytesRead);
  } finally {
    await file.close();
  }
}

function exposed(path: string): CodedError {
  return new CodedError("input-invalid", `The key file ${path} can be used by every user of this computer.`, {
    hint: `Run: chmod 600 ${path}. If others may have read it, add a new key (repo key add) and remove this one.`,
  });
}

/** The one line that is no comment. */
function keyOf(text: string): Uint8Array | null {
  const lines = text.split("\n").map((line) => line.trim());
  const [line, ...more] = lines.filter((each) => each !== "" && !each.startsWith("#"));
  if (line === undefined || more.length > 0) return null;
  if (/^[0-9a-fA-F]{64}$/.test(line)) return bytesOfHex(line);
  return /^[0-9A-Za-z+/]{43}=$/.test(line) ? new Uint8Array(Buffer.from(line, "base64")) : null;
}

/** A new key file, flushed before anything is encrypted with it. Never in place of a file that is there. */
export async function makeKeyFile(path: string, random: Random = systemRandom): Promise<RepositoryKey> {
  const bytes = random.bytes(KEY_BYTES);
  try {
    const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await file.writeFile(`${HEADING}\n${hexOf(bytes)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new CodedError("input-invalid", `The key file ${path} cannot be made: ${reasonOf(error)}.`, {
      hint: "Name a file in a folder that is there and that only you can read.",
      cause: error,
    });
  }
  return { kind: "key-file", bytes };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
