// Upkeep rests while there is foreground work, never for ever, and what somebody waits for is not queued behind it.
import { expect, test } from "vitest";
import { Foreground, type Pacing } from "./foreground.ts";
import { newBench, noise, PAGE, sourceOf } from "./test-bench.ts";
import { startWorkers } from "./threads/workers.ts";

interface FakePacing extends Pacing {
  now: number;
  readonly pauses: number[];
}

/** Each look at the clock takes `stepMs`. */
function fakePacing(stepMs = 0): FakePacing {
  const pacing: FakePacing = {
    now: 0,
    pauses: [],
    nowMs: () => {
      pacing.now += stepMs;
      return pacing.now;
    },
    pause: async (ms) => {
      pacing.pauses.push(ms);
      pacing.now += ms;
    },
  };
  return pacing;
}

const restedMs = (pacing: FakePacing) => pacing.pauses.reduce((sum, ms) => sum + ms, 0);
const nothing = () => undefined;

/** Work that lasts until it is told to end. */
function endless(foreground: Foreground): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const running = foreground.during(() => promise);
  return () => {
    resolve();
    return running;
  };
}

test("upkeep that is alone never rests", async () => {
  const pacing = fakePacing();
  const pace = new Foreground(pacing).pace(nothing);
  pacing.now += 10_000;
  await pace.turn();
  expect(pacing.pauses).toEqual([]);
});

test("beside foreground work upkeep has a fortieth of the time, and a second's rest at most", async () => {
  const pacing = fakePacing();
  const foreground = new Foreground(pacing);
  const end = endless(foreground);
  const pace = foreground.pace(nothing);
  pacing.now += 4;
  await pace.turn();
  expect(restedMs(pacing)).toBe(0);
  pacing.now += 6;
  await pace.turn();
  expect(restedMs(pacing)).toBe(390);
  pacing.now += 500;
  await pace.turn();
  expect(restedMs(pacing)).toBe(1390);
  await end();
});

test("a rest ends soon after the foreground has become idle", async () => {
  const pacing = fakePacing();
  const foreground = new Foreground(pacing);
  const end = endless(foreground);
  const pace = foreground.pace(nothing);
  await end();
  pacing.now += 100;
  await pace.turn();
  expect(restedMs(pacing)).toBe(100);
});

test("a resting upkeep can be stopped", async () => {
  const pacing = fakePacing();
  const foreground = new Foreground(pacing);
  const end = endless(foreground);
  const pace = foreground.pace(() => {
    if (pacing.pauses.length === 2) throw new Error("stopped");
  });
  pacing.now += 1000;
  await expect(pace.turn()).rejects.toThrow("stopped");
  await end();
});

test("scrub and GC come to their end beside an archive that does not, and rest", async () => {
  const pacing = fakePacing(10);
  const bench = await newBench(4096, { pacing });
  await bench.archive(noise(4 * PAGE, 1));
  const session = await bench.repository.beginArchive({ node: "pc-02" });
  await bench.repository.scrub({ deep: true });
  pacing.now += 1000;
  pacing.pauses.length = 0;
  await bench.repository.scrub({ deep: true });
  expect(pacing.pauses, "an open session that does nothing holds nobody up").toEqual([]);
  const reading = Promise.withResolvers<void>();
  const source = sourceOf(noise(PAGE, 2));
  const archiving = session.archiveSource(
    { partition: "sda1" },
    {
      ...source,
      read: async (at, into) => {
        await reading.promise;
        return source.read(at, into);
      },
    },
  );
  for (const deep of [false, true]) {
    pacing.pauses.length = 0;
    const { checkedPackCount } = await bench.repository.scrub({ deep });
    expect(checkedPackCount).toBe(2);
    expect(restedMs(pacing)).toBeGreaterThan(0);
  }
  pacing.pauses.length = 0;
  expect((await bench.repository.collectGarbage()).isFinished).toBe(true);
  expect(restedMs(pacing)).toBeGreaterThan(0);
  reading.resolve();
  await archiving;
  await session.commit();
  await bench.repository.close();
});

test("a pack is checked in pieces: a thread does other work in between, and forgets a check that was given up", async () => {
  const workers = startWorkers(1);
  const pack = { kind: "data", repositoryId: "repo", blockSize: 4096, keys: null } as const;
  const encodeOne = () =>
    workers.encode(new SharedArrayBuffer(4096), 4096, { codec: "none", level: 0 }, null);
  try {
    let turns = 0;
    const problem = await workers.checkPack(
      "packs/none",
      pack,
      new Uint8Array(64 * 1024 * 1024),
      async () => {
        turns += 1;
        if (turns === 1) expect((await encodeOne()).payload.length).toBe(4096);
      },
    );
    expect(turns).toBeGreaterThan(0);
    expect(problem).toContain("its SHA-256 is not its name");
    const givenUp = workers.checkPack("packs/none", pack, new Uint8Array(64 * 1024 * 1024), async () => {
      throw new Error("given up");
    });
    await expect(givenUp).rejects.toThrow("given up");
    expect((await encodeOne()).payload.length).toBe(4096);
  } finally {
    await workers.close();
  }
});
