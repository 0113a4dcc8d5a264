// The agent's small parts: options, identity, retrying, bounded concurrency.
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CodedError } from "#lib/model/errors.ts";
import { loadOrCreateIdentity } from "./identity.ts";
import { parseOptions } from "./options.ts";
import { forEachParallel, madeAhead } from "./parallel.ts";
import { backoffMs, pause, retrying } from "./retrying.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-agent-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const FINGERPRINT = `sha256:${"ab".repeat(32)}`;
const required = ["--server", "https://[::1]:7443", "--fingerprint", FINGERPRINT, "--state", "/tmp/x"];

test("options are parsed once; what is missing or wrong is named", () => {
  expect(parseOptions([...required, "--name", "pc", "--disk", "a.img", "--disk", "b.img"])).toMatchObject({
    server: { host: "::1", port: 7443, fingerprint: FINGERPRINT },
    name: "pc",
    diskPaths: ["a.img", "b.img"],
    enrolmentKey: null,
  });
  expect(parseOptions(required)?.diskPaths).toBeNull();
  expect(parseOptions(["--help"])).toBeNull();
  expect(() => parseOptions(required.slice(2))).toThrow(/--server is missing/);
  expect(() => parseOptions([...required, "--server", "http://x:1"])).toThrow(/is not https:\/\/HOST:PORT/);
  expect(() => parseOptions([...required, "--fingerprint", "abc"])).toThrow(/not a SHA-256 fingerprint/);
  expect(() => parseOptions([...required, "--nonsense"])).toThrow(/nonsense/);
  expect(() => parseOptions([...required, "--enrolment-key-file", "/nowhere/key"])).toThrow(/cannot be read/);
});

test("the identity is made once, kept from others, and a damaged one is not silently replaced", async () => {
  const state = join(folder, "state");
  const first = await loadOrCreateIdentity(state);
  expect((await loadOrCreateIdentity(state)).keyHash).toBe(first.keyHash);
  expect((await stat(join(state, "identity.pem"))).mode & 0o777).toBe(0o600);
  await writeFile(join(state, "identity.pem"), "garbage");
  await expect(loadOrCreateIdentity(state)).rejects.toMatchObject({ code: "environment-invalid" });
});

test("waits grow to a bound and differ between PCs", () => {
  expect(backoffMs(1, 30_000, () => 1)).toBe(250);
  expect(backoffMs(4, 30_000, () => 1)).toBe(2000);
  expect(backoffMs(4, 30_000, () => 0)).toBe(1000);
  expect(backoffMs(1000, 30_000, () => 1)).toBe(30_000);
});

test("only passing trouble is retried, and a stop ends the wait at once", async () => {
  const never = new AbortController().signal;
  let calls = 0;
  const unreachable = new CodedError("server-unreachable", "away", { retry: "later" });
  const flaky = async () => {
    calls += 1;
    if (calls < 3) throw unreachable;
    return calls;
  };
  expect(await retrying(flaky, never, 10_000)).toBe(3);
  const refused = new CodedError("agent-lost", "lost");
  await expect(retrying(() => Promise.reject(refused), never, 10_000)).rejects.toBe(refused);
  await expect(retrying(() => Promise.reject(unreachable), never, 0)).rejects.toBe(unreachable);
  const stop = new AbortController();
  const waiting = pause(60_000, stop.signal);
  stop.abort(new Error("stopped"));
  await expect(waiting).rejects.toThrow("stopped");
});

test("no more than the bound run at once, and a failure ends the rest before it is thrown", async () => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  const work = async (index: number) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    done.push(index);
  };
  await forEachParallel(20, 3, work);
  expect([most, done.length]).toEqual([3, 20]);
  const failing = forEachParallel(20, 3, async (index) => {
    await work(index);
    if (index === 4) throw new Error("disk");
  });
  await expect(failing).rejects.toThrow("disk");
  expect(running).toBe(0);
});

test("things are made ahead but come in order", async () => {
  const made: number[] = [];
  const slowFirst = async (item: number) => {
    if (item === 1) await new Promise((resolve) => setTimeout(resolve, 10));
    made.push(item);
    return item * 10;
  };
  const values: number[] = [];
  for await (const value of madeAhead([1, 2, 3, 4], 2, slowFirst)) values.push(value);
  expect(values).toEqual([10, 20, 30, 40]);
  expect(made[0]).toBe(2);
});
