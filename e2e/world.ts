// The world the journeys happen in: the whole product with a practice classroom of small PCs, and a few hands that reach
// where a browser cannot: change or damage a PC's disk, hash it, start a PC nobody knows. Prints one ready line.
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { hashPassword } from "better-auth/crypto";
import { changeSimulatedDisk, createSimulatedDisk, damageSimulatedDisk } from "#agent/simulated-pc.ts";
import { createUserWithPassword } from "#lib/db/users.ts";
import { failureReportOf } from "#lib/model/errors.ts";
import { ApiClient } from "../bin/stack/api-client.ts";
import { startSimulatedClassroom } from "../bin/stack/classroom.ts";
import { freePort } from "../bin/stack/services.ts";
import { startStack } from "../bin/stack/stack.ts";

const PC_COUNT = 3;
const DISK_BYTES = 96 * 1024 * 1024;
const CLASSROOM = "LAB-A";

const parent = resolve(import.meta.dirname, "../.sheepfold/e2e");
mkdirSync(parent, { recursive: true });
const dir = mkdtempSync(join(parent, "run-"));
const stack = await startStack({ dir, log: (line) => console.log(line) });
process.on("SIGTERM", () => void end(0));
process.on("SIGINT", () => void end(0));

try {
  await open();
} catch (thrown) {
  const { message, hint } = failureReportOf(thrown);
  console.error(`${message}\n  → ${hint}`);
  await end(1);
}

async function open(): Promise<void> {
  const api = new ApiClient(stack.appUrl);
  await api.signIn(stack.admin);
  const log = (line: string) => console.log(line);
  const room = await startSimulatedClassroom(stack, api, {
    name: CLASSROOM,
    pcCount: PC_COUNT,
    sizeBytes: DISK_BYTES,
    log,
  });
  const onlooker = await createOnlooker();
  const extraDisks = new Map<string, string>();
  const diskOf = (name: string) => {
    const disk = room.pcs.find((candidate) => candidate.name === name)?.disk ?? extraDisks.get(name);
    if (disk === undefined) throw new Error(`No PC is called ${name}.`);
    return disk;
  };
  const hands: Readonly<Record<string, (pc: string, seed: number) => Promise<string>>> = {
    change: async (pc, seed) => changeSimulatedDisk(diskOf(pc), seed).then(() => "changed"),
    damage: async (pc, seed) => damageSimulatedDisk(diskOf(pc), seed).then(() => "damaged"),
    hash: (pc) => hashOf(diskOf(pc)),
    stranger: async (pc, seed) => {
      const disk = join(dir, "pcs", `${pc}.img`);
      await createSimulatedDisk({ file: disk, sizeBytes: DISK_BYTES, seed, hostName: pc });
      await stack.startAgent({ name: pc, disk, waitUntilReady: false });
      return "started";
    },
    // A second classroom, of as many small PCs, each with a place for an identity volume and tokens on its system partition.
    room: async (name, pcCount) => {
      const contents = join(dir, "contents");
      mkdirSync(join(contents, "etc"), { recursive: true });
      writeFileSync(
        join(contents, "etc/lab.conf"),
        "host=@@host_name__________@@\nlicence=@@licence__________@@\n",
      );
      writeFileSync(
        join(contents, "etc/registry.bin"),
        Buffer.from("Host=@@host_name__________@@", "utf16le"),
      );
      const sizes = { sizeBytes: 24 * 1024 * 1024, identityBytes: 4 * 1024 * 1024 };
      const extra = await startSimulatedClassroom(stack, api, {
        name,
        pcCount,
        contents: [contents],
        ...sizes,
        log,
      });
      for (const pc of extra.pcs) extraDisks.set(pc.name, pc.disk);
      return extra.groupId;
    },
    // What stands where a token was: the first line of the system partition's bytes that holds the words.
    line: async (pc, lineNumber) => tokenLines(await readFile(diskOf(pc)))[lineNumber] ?? "",
  };
  const port = await freePort();
  createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const hand = hands[url.pathname.slice(1)];
    const done =
      hand?.(url.searchParams.get("pc") ?? "", Number(url.searchParams.get("seed") ?? "1")) ??
      Promise.reject(new Error(`No hand for ${url.pathname}.`));
    done.then(
      (text) => response.end(text),
      (thrown: unknown) => response.writeHead(500).end(failureReportOf(thrown).message),
    );
  }).listen(port, "127.0.0.1", () => {
    const facts = {
      appUrl: stack.appUrl,
      hands: `http://127.0.0.1:${port}`,
      admin: stack.admin,
      onlooker,
      classroom: { id: room.groupId, name: room.name },
      pcs: room.pcs.map((pc) => pc.name),
    };
    console.log(`world ready ${JSON.stringify(facts)}`);
  });
}

/** The lines of etc/lab.conf, wherever they lie on the disk. */
function tokenLines(bytes: Buffer): string[] {
  const from = bytes.indexOf("host=");
  return bytes
    .subarray(from, from + 200)
    .toString("latin1")
    .split("\n", 2);
}

/** Someone who may look and not touch. */
async function createOnlooker(): Promise<{ email: string; password: string }> {
  Object.assign(process.env, stack.env);
  const email = "onlooker@sheepfold.local";
  const password = randomBytes(12).toString("base64url");
  await createUserWithPassword({
    email,
    name: "Onlooker",
    role: "viewer",
    passwordHash: await hashPassword(password),
  });
  return { email, password };
}

function hashOf(file: string): Promise<string> {
  return new Promise((found, fail) => {
    const hash = createHash("sha256");
    createReadStream(file)
      .on("data", (bytes) => hash.update(bytes))
      .on("error", fail)
      .on("end", () => found(hash.digest("hex")));
  });
}

async function end(code: number): Promise<void> {
  await stack.stop();
  if (code === 0) rmSync(dir, { recursive: true, force: true });
  process.exit(code);
}
