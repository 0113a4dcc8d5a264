// Key files: made once, for their owner only; read in both encodings; anything else is refused by name.
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeKeyFile, readKeyFile } from "./key-file.ts";

let path = "";
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-key-"));
  path = join(folder, "key");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("EN-2: a key file comes back as it was made, and is never made twice", async () => {
  const made = await makeKeyFile(path);
  expect(await readKeyFile(path)).toEqual(made);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const before = await readFile(path);
  await expect(makeKeyFile(path)).rejects.toMatchObject({ code: "input-invalid" });
  expect(await readFile(path)).toEqual(before);
});

test("EN-2: hex and base64 are the same key", async () => {
  const bytes = new Uint8Array(32).map((_, index) => 5 * index);
  for (const encoding of ["hex", "base64"] as const) {
    await writeFile(path, `# a comment\n\n${Buffer.from(bytes).toString(encoding)}\n`, { mode: 0o600 });
    expect(await readKeyFile(path)).toEqual({ kind: "key-file", bytes });
  }
});

test("EN-2: what is no key file, is not there, or is open to all, is refused by name", async () => {
  await expect(readKeyFile(path)).rejects.toMatchObject({ code: "key-missing" });
  const key = "ab".repeat(32);
  for (const text of ["", "# nothing else", "ab", `${key}\n${key}`, `${key}a`, `x${key.slice(1)}`]) {
    await writeFile(path, text, { mode: 0o600 });
    await expect(readKeyFile(path), text).rejects.toMatchObject({ code: "key-wrong" });
  }
  await writeFile(path, key);
  await chmod(path, 0o604);
  await expect(readKeyFile(path)).rejects.toMatchObject({
    code: "input-invalid",
    hint: expect.stringContaining("chmod 600"),
  });
  await chmod(path, 0o440);
  expect((await readKeyFile(path)).kind).toBe("key-file");
});
