// A first start makes a repository; a later one never makes another in its place.
import { mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openWorkersRepository } from "./open-repository.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-open-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("the first start makes the repository, the next opens the same", async () => {
  const first = await openWorkersRepository(folder, []);
  const { id } = first.info;
  await first.close();
  const second = await openWorkersRepository(folder, [id]);
  expect(second.info.id).toBe(id);
  await second.close();
});

test("with a key file named, the first start makes both; without it, or with the file lost, no later one begins", async () => {
  const keyFile = join(folder, "key");
  const repositoryFolder = join(folder, "repository");
  const first = await openWorkersRepository(repositoryFolder, [], { keyFile });
  expect(first.info.isEncrypted).toBe(true);
  const { id } = first.info;
  await first.close();
  const second = await openWorkersRepository(repositoryFolder, [id], { keyFile });
  expect(second.info.id).toBe(id);
  await second.close();
  await expect(openWorkersRepository(repositoryFolder, [id])).rejects.toMatchObject({ code: "key-missing" });
  await rename(keyFile, `${keyFile}-lost`);
  const lost = openWorkersRepository(repositoryFolder, [id], { keyFile });
  await expect(lost).rejects.toMatchObject({ code: "key-missing" });
  expect((await readdir(folder)).sort()).toEqual(["key-lost", "repository"]);
});

test("a passphrase for a repository that is not encrypted is refused: somebody may have exchanged it", async () => {
  const first = await openWorkersRepository(folder, []);
  await first.close();
  const opening = openWorkersRepository(folder, [first.info.id], { passphrase: "a flock of words" });
  await expect(opening).rejects.toMatchObject({ code: "input-invalid" });
});

test("a folder that held a repository and is empty now is refused, and stays empty", async () => {
  await expect(openWorkersRepository(folder, ["0123abcd"])).rejects.toMatchObject({
    code: "repository-missing",
    message: expect.stringContaining("0123abcd"),
  });
  expect(await readdir(folder)).toEqual([]);
});
