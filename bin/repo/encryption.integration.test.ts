// Every verb on an encrypted repository, as a person or a script runs it; and what is said when the key is missing or wrong.

import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ImageEntry } from "./image-entry.ts";
import { runCli, runJson } from "./run-cli.ts";
import { MIB, makeImage } from "./test-images.ts";

let folder = "";
let repository = "";
let image = "";
let keyFile = "";
let passphraseFile = "";
let entry: ImageEntry;

/** A verb with the key. */
const keyed = (verb: string, ...args: readonly string[]) => runJson(verb, ...args, "--key-file", keyFile);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-encrypted-"));
  [repository, image, keyFile, passphraseFile] = ["repository", "sda1.img", "key", "passphrase"].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  await makeImage(image, 8 * MIB);
  await writeFile(passphraseFile, "a flock of words\n", { mode: 0o600 });
  const made = await runJson("init", repository, "--encrypt", `key-file:${keyFile}`);
  expect(made).toMatchObject({ exitCode: 0, value: { isEncrypted: true, formatVersion: 2 } });
  const archived = await keyed("archive", repository, image, "--node", "pc01", "--partition", "sda1");
  expect(archived.exitCode).toBe(0);
  entry = archived.value as ImageEntry;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("init makes a key file only its owner can read, and never in place of another", async () => {
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  const before = await readFile(keyFile, "utf8");
  expect(before).toMatch(/^#.*\n[0-9a-f]{64}\n$/);
  const second = await runJson("init", join(folder, "second"), "--encrypt", `key-file:${keyFile}`);
  expect(second.exitCode).toBe(0);
  expect(await readFile(keyFile, "utf8")).toBe(before);
});

test("a key file that nothing came of is not left behind, and one that was there stays", async () => {
  const stray = join(folder, "stray");
  const again = await runJson("init", repository, "--encrypt", `key-file:${stray}`);
  expect(again.error).toMatchObject({ code: "repository-exists" });
  await expect(stat(stray)).rejects.toMatchObject({ code: "ENOENT" });
  // A file is where the repository's folder should be.
  expect((await runJson("init", image, "--encrypt", `key-file:${stray}`)).exitCode).not.toBe(0);
  await expect(stat(stray)).rejects.toMatchObject({ code: "ENOENT" });
  expect((await runJson("init", repository, "--encrypt", `key-file:${keyFile}`)).exitCode).not.toBe(0);
  expect((await stat(keyFile)).isFile()).toBe(true);
  const added = ["key", "add", repository, `key-file:${stray}`, "--label", "never"];
  const notAdded = await runJson(...added, "--passphrase-file", passphraseFile);
  expect(notAdded.error).toMatchObject({ code: "key-wrong" });
  await expect(stat(stray)).rejects.toMatchObject({ code: "ENOENT" });
});

test("without the key, with a wrong one, or with a lost key file nothing begins", async () => {
  const missing = await runJson("list", repository);
  expect(missing).toMatchObject({ exitCode: 4, error: { code: "key-missing" } });
  expect(missing.error?.hint).toContain("key file (first)");
  const wrong = await runJson("list", repository, "--passphrase-file", passphraseFile);
  expect(wrong).toMatchObject({ exitCode: 4, error: { code: "key-wrong" } });
  const lost = await runJson("list", repository, "--key-file", join(folder, "lost"));
  expect(lost).toMatchObject({ exitCode: 4, error: { code: "key-missing" } });
  const target = join(folder, "never.img");
  const restored = await runJson("restore", repository, entry.id, target);
  expect(restored).toMatchObject({ exitCode: 4, error: { code: "key-missing" } });
  await expect(stat(target)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a key file that others can read is refused", async () => {
  const open = join(folder, "open-key");
  await writeFile(open, await readFile(keyFile));
  await chmod(open, 0o644);
  const { exitCode, error } = await runJson("list", repository, "--key-file", open);
  expect(error).toMatchObject({ code: "input-invalid" });
  expect(error?.hint).toContain("chmod 600");
  expect(exitCode).not.toBe(0);
});

test("a key for a repository that is not encrypted is refused, unless the environment has it and nothing is written", async () => {
  const plain = join(folder, "plain");
  expect((await runJson("init", plain)).exitCode).toBe(0);
  expect((await keyed("list", plain)).error).toMatchObject({ code: "input-invalid" });
  process.env.SHEEPFOLD_KEY_FILE = keyFile;
  try {
    expect((await runJson("list", plain)).exitCode).toBe(0);
    const archived = await runJson("archive", plain, image, "--node", "pc01", "--partition", "sda1");
    expect(archived.error?.message).toContain("is not encrypted, but a key was given");
    expect((await runJson("list", repository)).value).toHaveLength(1);
  } finally {
    delete process.env.SHEEPFOLD_KEY_FILE;
  }
});

test("show, stats, evaluate, verify, scrub and rebuild-index work", async () => {
  expect((await keyed("show", repository, entry.id)).exitCode).toBe(0);
  expect((await keyed("stats", repository)).value).toMatchObject({ snapshotCount: 1 });
  const evaluated = await keyed("evaluate", repository, entry.id, "--block-sizes", "4096");
  expect((evaluated.value as unknown[]).length).toBeGreaterThan(0);
  expect((await keyed("rebuild-index", repository)).exitCode).toBe(0);
  expect(await keyed("scrub", repository, "--deep")).toMatchObject({ exitCode: 0, value: { findings: [] } });
  expect(await keyed("verify", repository)).toMatchObject({ exitCode: 0, value: { findings: [] } });
});

test("a light scrub needs no key, a deep one does", async () => {
  const light = await runJson("scrub", repository);
  expect(light).toMatchObject({ exitCode: 0, value: { findings: [] } });
  expect((light.value as { checkedPackCount: number }).checkedPackCount).toBeGreaterThan(1);
  expect((await runJson("scrub", repository, "--deep")).error).toMatchObject({ code: "key-missing" });
});

test("restore, export and import give the same bytes", async () => {
  const original = await readFile(image);
  const target = join(folder, "restored.img");
  expect((await keyed("restore", repository, entry.id, target)).exitCode).toBe(0);
  expect(Buffer.compare(await readFile(target), original)).toBe(0);
  const exported = join(folder, "exported.raw.zst");
  const call = [repository, entry.id, "--format", "raw.zst", "--output", exported];
  expect((await keyed("export", ...call)).exitCode).toBe(0);
  const place = ["--node", "pc02", "--partition", "sda1", "--format", "raw.zst"];
  const imported = await keyed("import", repository, exported, ...place);
  expect(imported.exitCode).toBe(0);
  expect((imported.value as ImageEntry).contentRoot).toBe(entry.contentRoot);
});

test("serve offers the image as a disk", async () => {
  const socket = join(folder, "nbd.sock");
  const call = ["repo", "serve", repository, entry.id, "--nbd", `unix:${socket}`];
  const stopping = new AbortController();
  const serving = runCli([...call, "--key-file", keyFile], {
    onStart: (child) => stopping.signal.addEventListener("abort", () => child.kill("SIGTERM")),
  });
  const greeting = await Promise.race([greetingAt(socket), serving.then(() => "it ended")]);
  stopping.abort();
  const result = await serving;
  expect(greeting, result.stderr).toBe("NBDMAGIC");
});

/** The first bytes a server says, as soon as there is one. */
async function greetingAt(socket: string): Promise<string> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const greeting = await new Promise<string | null>((resolve) => {
      const client = connect(socket);
      client.once("error", () => resolve(null));
      client.once("data", (bytes) => {
        client.destroy();
        resolve(bytes.toString("latin1", 0, 8));
      });
    });
    if (greeting !== null) return greeting;
    await delay(50);
  }
  return "no server";
}

test("pin, unpin, prune, gc and re-segment work", async () => {
  expect((await keyed("pin", repository, entry.id, "--reason", "exam")).exitCode).toBe(0);
  expect((await keyed("unpin", repository, entry.id)).exitCode).toBe(0);
  expect((await keyed("prune", repository, "--keep-last", "1")).exitCode).toBe(0);
  expect((await keyed("gc", repository)).exitCode).toBe(0);
  expect((await keyed("re-segment", repository)).exitCode).toBe(0);
  expect(await keyed("verify", repository)).toMatchObject({ exitCode: 0, value: { findings: [] } });
});

test("a passphrase is added, opens, and takes the place of the key file", async () => {
  const label = ["--label", "the head's", "--new-passphrase-file", passphraseFile];
  const added = await runJson("key", "add", repository, "passphrase", ...label, "--key-file", keyFile);
  expect(added).toMatchObject({ exitCode: 0, value: { kind: "passphrase", label: "the head's" } });
  const listed = await runJson("key", "list", repository);
  const [first] = listed.value as { id: string; kind: string }[];
  expect(listed.value).toHaveLength(2);
  const remove = ["key", "remove", repository, first?.id ?? ""];
  expect((await runJson("key", ...remove.slice(1), "--key-file", keyFile)).error).toMatchObject({
    code: "key-wrong",
  });
  const removed = await runJson("key", ...remove.slice(1), "--passphrase-file", passphraseFile);
  expect(removed).toMatchObject({ exitCode: 0, value: { id: first?.id } });
  expect((await keyed("list", repository)).error).toMatchObject({ code: "key-wrong" });
  const opened = await runJson("list", repository, "--passphrase-file", passphraseFile);
  expect(opened.exitCode).toBe(0);
});
