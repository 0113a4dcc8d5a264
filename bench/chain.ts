// The set chain: a master to N PCs through the chain, in an emulated classroom (bench/chain/room.ts): real sockets, TLS, processes
// and files; a namespace and a limited port for each PC. How long it takes by N, beside a star; what a fault costs.
//
// Lines are slow so that two cores can play sixty PCs, and pages are small so that an image has as many as a real one has at
// full speed. Buffers are scaled with the image. What a hop costs is fitted and said.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Fault, RoomResult, RoomWish } from "./chain/wish.ts";
import type { Panel } from "./chart.ts";
import { type Claim, claimTable, ratio, times } from "./claim.ts";
import { machineLine } from "./machine.ts";
import type { Bench } from "./measure-tool.ts";
import { inMegabytes, inSeconds } from "./table.ts";

export interface ChainRequest {
  readonly pcCounts: readonly number[];
  readonly imageBytes: number;
  readonly lineMbit: number;
  readonly roundCount: number;
}

const PAGE_BYTES = 8192;
const LARGE_PAGE_BYTES = 65_536;
/** Faults and the star are measured with a smaller image: a star of four takes four times as long. */
const SMALL_SHARE = 4;
const FAULT_PCS = 16;
const STAR_PCS = 4;
const SLOW_PC = 5;
const DELTA_SHARE = 0.02;
/** Of two cores; beyond, the machine is what is measured. */
const CPU_SHARE_MAX = 0.7;
const ROOM_MS_MAX = 30 * 60_000;
const BOUNDS: Readonly<Record<number, number>> = { 8: 1.02, 16: 1.03, 64: 1.05, 250: 1.08 };
const run = promisify(execFile);

interface Measured {
  readonly name: string;
  readonly pcCount: number;
  readonly imageBytes: number;
  readonly runs: readonly RoomResult[];
}

export async function benchChain(
  bench: Bench,
  { pcCounts, imageBytes, lineMbit, roundCount }: ChainRequest,
): Promise<{ markdown: string; panels: Panel[] }> {
  const smallBytes = imageBytes / SMALL_SHARE;
  const room = (pcCount: number, change: Partial<RoomWish> = {}) =>
    emulate(bench, {
      pcCount,
      pageBytes: PAGE_BYTES,
      imageBytes,
      lineMbit,
      lacking: Array(pcCount).fill(1),
      diskRates: [],
      chains: 1,
      fault: null,
      ...change,
    });
  const rounds = new Map<number, RoomResult[]>(pcCounts.map((count) => [count, []]));
  // Rounds take turns, so that a machine that changes its speed meets all alike.
  for (let round = 0; round < roundCount; round += 1) {
    for (const [count, results] of rounds) results.push(await room(count));
  }
  const byCount = [...rounds].map(([pcCount, runs]) => ({
    name: `${pcCount} PCs`,
    pcCount,
    imageBytes,
    runs,
  }));
  const small = { imageBytes: smallBytes };
  const single = async (name: string, pcCount: number, change: Partial<RoomWish>): Promise<Measured> => ({
    ...{ name, pcCount, imageBytes: smallBytes },
    runs: [await room(pcCount, { ...small, ...change })],
  });
  const faults: Measured[] = [await single("nothing happens", FAULT_PCS, {})];
  for (const [name, fault] of FAULTS) faults.push(await single(name, FAULT_PCS, { fault }));
  const lineRate = (lineMbit * 1e6) / 8000;
  const slowDisk = await single("one disk at half speed", FAULT_PCS, {
    diskRates: Array.from({ length: FAULT_PCS }, (_, index) => (index === SLOW_PC ? lineRate / 2 : null)),
  });
  const deltas = Array<number>(FAULT_PCS - 1).fill(DELTA_SHARE);
  const deltaAlone = await single("15 PCs that lack 2 %", deltas.length, { lacking: deltas });
  const deltaBeside = await single("and a blank one beside them", FAULT_PCS, { lacking: [...deltas, 1] });
  const star = await single(`star of ${STAR_PCS}`, STAR_PCS, { chains: STAR_PCS });
  const known = [1, 4].map((count) =>
    single(`pages of 64 KiB, ${count} PCs`, count, { pageBytes: LARGE_PAGE_BYTES }),
  );
  const [knownOne, knownFour] = [await known[0], await known[1]];
  const hop = hopSeconds(byCount);
  const expectedHops = (3 * (LARGE_PAGE_BYTES + 73) * 8) / (lineMbit * 1e6);
  const measuredHops =
    knownOne === undefined || knownFour === undefined ? null : secondsOf(knownFour) - secondsOf(knownOne);
  const all = [...byCount, ...faults, slowDisk, deltaAlone, deltaBeside, star];
  const markdown = [
    "# Benchmark: chain",
    `An image of ${inMegabytes(imageBytes)} in pages of ${PAGE_BYTES} bytes to blank PCs, lines of ${lineMbit} Mbit/s each way; faults and star with ` +
      `${inMegabytes(smallBytes)}. From the word "go", with looking at the disks, to the last PC's last page; every disk was compared byte for byte. ` +
      `Medians of ${roundCount} rounds, the rest one run.`,
    machineLine(),
    tableOf(all),
    hop === null
      ? "No hop can be fitted."
      : `A hop costs ${(1000 * hop).toFixed(1)} ms (fitted over 2 and more PCs); a page takes ${((1000 * PAGE_BYTES * 8) / (lineMbit * 1e6)).toFixed(1)} ms on the line.`,
    `Check of the emulation: three hops more with pages of 64 KiB should cost ${inSeconds(expectedHops)}; they cost ${measuredHops === null ? "-" : inSeconds(measuredHops)}.`,
    "## Promises",
    claimTable([
      ...claimsOf(byCount, faults),
      ...mixedClaims({ quiet: faults[0], slowDisk, deltaAlone, deltaBeside }),
    ]),
    ...all
      .filter(({ runs }) => runs.some(({ cpuShare }) => cpuShare > CPU_SHARE_MAX))
      .map(
        ({ name }) =>
          `**${name}: the machine was busier than ${100 * CPU_SHARE_MAX} %**; the figure is the machine's, not the chain's.`,
      ),
  ].join("\n\n");
  const panel: Panel = {
    title: "Time to N PCs",
    format: inSeconds,
    bars: [...byCount, star].map((measured) => ({
      name: measured.name,
      value: secondsOf(measured),
    })),
  };
  return { markdown: `${markdown}\n`, panels: [panel] };
}

const FAULTS: readonly [string, Fault][] = [
  ["one PC is killed", { kind: "kill", ranks: [5], atShare: 0.5 }],
  ["one PC's cable is pulled", { kind: "unplug", ranks: [5], atShare: 0.5 }],
  ["three neighbours are killed", { kind: "kill", ranks: [5, 6, 7], atShare: 0.5 }],
  ["the coordinator begins anew", { kind: "coordinator", ranks: [], atShare: 0.5 }],
];

async function emulate(bench: Bench, wish: Omit<RoomWish, "folder">): Promise<RoomResult> {
  // In memory: sixty disks being written at once would measure this machine's disk.
  const folder = await mkdtemp("/dev/shm/sheepfold-room-");
  try {
    const program = join(import.meta.dirname, "chain", "room.ts");
    const namespaces = ["-n", "-m", "--propagation", "private", "--pid", "--fork", "--mount-proc"];
    const { stdout } = await run(
      "unshare",
      [...namespaces, process.execPath, program, JSON.stringify({ ...wish, folder } satisfies RoomWish)],
      { timeout: ROOM_MS_MAX, maxBuffer: 2 ** 26 },
    );
    const result = JSON.parse(stdout) as RoomResult;
    if (!result.allRight) throw new Error("A disk does not hold the image.");
    const { cpuShare, retransmits, sourceBytes } = result;
    bench.say(
      `chain: ${wish.pcCount} PCs in ${inSeconds(result.seconds)}, ${Math.round(100 * cpuShare)} % of the processors, ` +
        `${retransmits} segments sent again, ${inMegabytes(sourceBytes)} from the source`,
    );
    return result;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function secondsOf({ runs }: Measured): number {
  const sorted = runs.map(({ seconds }) => seconds).sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The slope over two and more PCs: one alone has nobody to forward to. */
function hopSeconds(measured: readonly Measured[]): number | null {
  const points = measured
    .filter(({ pcCount }) => pcCount >= 2)
    .map((one) => [one.pcCount, secondsOf(one)] as const);
  if (points.length < 2) return null;
  const mean = (at: 0 | 1) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [meanCount, meanSeconds] = [mean(0), mean(1)];
  const covariance = points.reduce(
    (sum, [count, seconds]) => sum + (count - meanCount) * (seconds - meanSeconds),
    0,
  );
  return covariance / points.reduce((sum, [count]) => sum + (count - meanCount) ** 2, 0);
}

function tableOf(all: readonly Measured[]): string {
  const lines = all.map((measured) => {
    const { runs, imageBytes, name } = measured;
    const most = (value: (result: RoomResult) => number) => Math.max(...runs.map(value));
    const spread = runs.map(({ seconds }) => seconds.toFixed(2)).join(", ");
    return `| ${name} | ${inMegabytes(imageBytes)} | ${inSeconds(secondsOf(measured))} | ${spread} | ${inMegabytes(most(({ sourceBytes }) => sourceBytes))} | ${Math.round(100 * most(({ cpuShare }) => cpuShare))} % | ${most(({ retransmits }) => retransmits)} |`;
  });
  return [
    "| | image | time | runs | from the source | processors | sent again |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...lines,
  ].join("\n");
}

function claimsOf(byCount: readonly Measured[], faults: readonly Measured[]): Claim[] {
  const one = byCount.find(({ pcCount }) => pcCount === 1);
  const scaling = byCount.flatMap((measured) => {
    const atMost = BOUNDS[measured.pcCount];
    if (one === undefined || atMost === undefined) return [];
    const value = ratio(secondsOf(measured), secondsOf(one));
    return [{ text: `time to ${measured.pcCount} PCs, to one PC`, value, atMost, format: times }];
  });
  const [quiet, ...troubled] = faults;
  const bounds = [0.5, 3, 5, 0.5];
  const costs = troubled.map((measured, index) => ({
    text: `${measured.name}: the others are later by`,
    value: quiet === undefined ? null : secondsOf(measured) - secondsOf(quiet),
    atMost: bounds[index] ?? 0,
    format: inSeconds,
  }));
  return [...scaling, ...costs];
}

/** What one PC in trouble, or one that lacks much more, costs the others. */
function mixedClaims(measured: {
  readonly quiet: Measured | undefined;
  readonly slowDisk: Measured;
  readonly deltaAlone: Measured;
  readonly deltaBeside: Measured;
}): Claim[] {
  const { quiet, slowDisk, deltaAlone, deltaBeside } = measured;
  const othersOf = ({ runs }: Measured, except: number) =>
    Math.max(
      ...runs.flatMap(({ doneSeconds }) =>
        doneSeconds.map((seconds, index) => (index === except ? 0 : (seconds ?? 0))),
      ),
    );
  return [
    {
      text: "one disk at half speed: the others' time, to that without",
      value: quiet === undefined ? null : ratio(othersOf(slowDisk, SLOW_PC), secondsOf(quiet)),
      ...{ atMost: 1.05, format: times },
    },
    {
      text: "15 PCs that lack 2 % beside a blank one: their time, to that alone",
      value: ratio(othersOf(deltaBeside, FAULT_PCS - 1), secondsOf(deltaAlone)),
      ...{ atMost: 1.2, format: times },
    },
  ];
}
