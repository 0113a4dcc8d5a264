// The torture instruments must themselves be right: a fault that does not happen proves nothing.
import { expect, test } from "vitest";
import { CodedError } from "#lib/model/errors.ts";
import { faultyStorage } from "./faulty.ts";
import { memoryStorage } from "./memory.ts";

const TEN = Uint8Array.from({ length: 10 }, (_, index) => index);

test("the n-th call fails before its effect, after it, or in the middle", async () => {
  // createFile, append, seal: the third call makes the file visible.
  for (const [failWhen, exists] of [
    ["before", false],
    ["after", true],
  ] as const) {
    const memory = memoryStorage();
    const storage = faultyStorage(memory, { failCall: 3, failWhen });
    await expect(storage.writeFile("x", TEN)).rejects.toMatchObject({ code: "storage-failed" });
    expect((await memory.readFile("x")) !== null).toBe(exists);
    await storage.writeFile("y", TEN);
  }
});

test("a torn append leaves a part, and a crash keeps no more than was written", async () => {
  const memory = memoryStorage();
  const storage = faultyStorage(memory, {
    failCall: 3,
    failWhen: "torn",
    afterwards: "crash",
    random: () => 0.5,
    onCrash: () => memory.crash(() => 0.999),
  });
  const writer = await storage.createFile();
  await writer.append(TEN);
  await expect(writer.append(TEN)).rejects.toThrow(/Simulated/);
  expect(await memory.list("tmp")).toMatchObject([{ sizeBytes: 15 }]);
  await expect(storage.list("")).rejects.toThrow(/process is gone/);
  await writer.discard();
  expect(await memory.list("tmp")).toHaveLength(1);
});

test("a crash loses what was not flushed and nothing that was sealed", async () => {
  const memory = memoryStorage();
  await memory.writeFile("sealed", TEN);
  const writer = await memory.createFile();
  await writer.append(TEN);
  memory.crash(() => 0.3);
  expect(await memory.readFile("sealed")).toEqual(TEN);
  expect(await memory.list("tmp")).toMatchObject([{ sizeBytes: 3 }]);
  await expect(writer.append(TEN)).rejects.toBeInstanceOf(CodedError);
});

test("a full disk refuses every write until space is freed, and reads go on", async () => {
  const memory = memoryStorage();
  await memory.writeFile("old", TEN);
  const storage = faultyStorage(memory, { fullFromWrite: 2 });
  await expect(storage.writeFile("x", TEN)).rejects.toMatchObject({ code: "storage-full" });
  await expect(storage.createFile()).rejects.toMatchObject({ code: "storage-full" });
  expect(await storage.readFile("old")).toEqual(TEN);
  storage.free();
  await storage.writeFile("x", TEN);
  expect(await storage.readFile("x")).toEqual(TEN);
});

test("a flipped read differs in one bit and the next read is right", async () => {
  const memory = memoryStorage();
  await memory.writeFile("x", TEN);
  const storage = faultyStorage(memory, { flipCall: 1 });
  expect(await storage.readFile("x")).not.toEqual(TEN);
  expect(await storage.readFile("x")).toEqual(TEN);
});

test("rot stays until it is healed, and copies do not share it", async () => {
  const memory = memoryStorage();
  await memory.writeFile("x", TEN);
  const copy = memory.copy();
  memory.flipBit("x", 13);
  expect((await memory.readFile("x"))?.[1]).toBe(1 ^ 32);
  expect(await copy.readFile("x")).toEqual(TEN);
  memory.flipBit("x", 13);
  expect(await memory.readFile("x")).toEqual(TEN);
});
