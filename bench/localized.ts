// The set localized: one master with real files, N PCs cloned from it, localized and snapshotted by one job of the whole product, as
// a person starts it over the API. What that takes, what the repository holds afterwards, what other techniques would hold; and
// whether each PC got what is its own and nothing else.
//
// Everything is made anew and removed afterwards. Needs root's tools (debugfs, mtools) but no root.
import { mkdir, rm, statfs } from "node:fs/promises";
import { freemem } from "node:os";
import { join } from "node:path";
import { formatBytes, formatSeconds } from "#lib/model/units.ts";
import { stopAllChildren } from "../bin/stack/child-process.ts";
import { type Claim, claimTable, ratio, times } from "./claim.ts";
import { type Curve, chartOfCurves } from "./curves.ts";
import { checkDisk } from "./localized/check-disk.ts";
import { PCS_AT_ONCE, type RunJob, type RunTask, withClassroom } from "./localized/classroom.ts";
import { FACT_NAMES, factsOf } from "./localized/facts.ts";
import {
  allocatedBytesOf,
  estimateAllocated,
  type MasterDisk,
  makeEmptyDisk,
  makeMasterDisk,
} from "./localized/master-disk.ts";
import { localizeClassroom, type Played } from "./localized/play.ts";
import {
  evaluateTechniques,
  type GzipImage,
  gzipImageOf,
  type TechniqueGrowth,
} from "./localized/techniques.ts";
import { machineLine } from "./machine.ts";
import { type Bench, emptyFolder, folderBytes } from "./measure-tool.ts";
import { runMeasured, waitForQuiet } from "./run-measured.ts";
import { inMegabytes } from "./table.ts";
import { repoCommand } from "./tools/sheepfold.ts";

export interface LocalizedRequest {
  readonly cloneCount: number;
  readonly systemBytes: number | null;
}

interface Measured {
  readonly master: MasterDisk;
  readonly gzip: GzipImage;
  readonly played: Played;
  /** Of each PC's disk, beside the master's. */
  readonly differingBytes: readonly number[];
  readonly pcsAllocatedBytes: number;
  readonly nightBytes: number;
  readonly growths: readonly TechniqueGrowth[];
  readonly evaluationSeconds: number;
}

const SYSTEM_BYTES = 2 ** 30;
const INTERRUPTED = 130;
const CLONES_MAX = 999;
/** Repository, database and logs, beside what grows with the disks. */
const OTHER_BYTES = 3 * 2 ** 30;
/** An agent keeps this much to itself, and more while it feeds its neighbours. */
const AGENT_BYTES = 120 * 2 ** 20;
const REPOSITORY_TO_GZIP_MAX = 1.15;
const SHOWN_COUNTS = [0, 1, 10, 25, 50, 75, 100, 250, 500];

export async function benchLocalized(
  bench: Bench,
  { cloneCount, systemBytes = null }: LocalizedRequest,
): Promise<{ markdown: string; panels: []; chart: string }> {
  const sizeBytes = systemBytes ?? SYSTEM_BYTES;
  await refuseUnlessItFits(bench.work, sizeBytes, cloneCount);
  // Its disks would fill this one: they go, whatever ends the run.
  const stop = () => void cleanUp(bench.work).finally(() => process.exit(INTERRUPTED));
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    const measured = await measure(bench, sizeBytes, cloneCount);
    return { markdown: report(measured, cloneCount), panels: [], chart: chart(measured, cloneCount) };
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

async function cleanUp(folder: string): Promise<void> {
  await stopAllChildren();
  await rm(folder, { recursive: true, force: true });
}

/** Before anything is made. */
async function refuseUnlessItFits(folder: string, sizeBytes: number, cloneCount: number): Promise<void> {
  if (cloneCount < 1 || cloneCount > CLONES_MAX) throw new Error(`--clones: give 1 to ${CLONES_MAX}.`);
  const { bavail, bsize } = await statfs(folder);
  // The master's disk is there twice while it is made.
  const neededBytes = (cloneCount + 2) * estimateAllocated(sizeBytes) + OTHER_BYTES;
  if (bavail * bsize < neededBytes) {
    throw new Error(
      `${cloneCount} PCs of ${formatBytes(sizeBytes)} need ${formatBytes(neededBytes)} of free disk, ` +
        `${folder} has ${formatBytes(bavail * bsize)}: choose fewer --clones, a smaller --size or another --work.`,
    );
  }
  const memoryBytes = (cloneCount + 1) * AGENT_BYTES;
  if (freemem() < memoryBytes) {
    throw new Error(
      `${cloneCount} agents need ${formatBytes(memoryBytes)} of free memory, there are ${formatBytes(freemem())}: choose fewer --clones.`,
    );
  }
}

async function measure(bench: Bench, sizeBytes: number, cloneCount: number): Promise<Measured> {
  const { say, work } = bench;
  say("Making the master's disk …");
  const disks = join(work, "disks");
  await mkdir(disks, { recursive: true });
  const master = await makeMasterDisk(join(disks, "the-master.img"), sizeBytes);
  const gzip = await gzipImageOf(master);
  const pcDisks = Array.from({ length: cloneCount }, (_, index) => join(disks, `pc-${index + 1}.img`));
  for (const disk of pcDisks) await makeEmptyDisk(disk, master.diskBytes);

  const folder = join(work, "product");
  const beforeJob = () => waitForQuiet(bench.patience);
  const options = { folder, masterDisk: master.path, pcDisks, say };
  const { played, repository } = await withClassroom(options, async (classroom) => ({
    played: await localizeClassroom(classroom, { beforeJob, say }),
    repository: classroom.repository,
  }));

  say(`The job took ${formatSeconds(played.jobSeconds)}. Checking every disk …`);
  const differingBytes: number[] = [];
  let pcsAllocatedBytes = 0;
  for (const [index, disk] of pcDisks.entries()) {
    differingBytes.push(await checkDisk(disk, factsOf(index + 1), master, join(work, "check")));
    pcsAllocatedBytes += await allocatedBytesOf(disk);
  }
  say("All disks are as they must be. Evaluating other techniques …");
  const snapshotIds = [played.masterSnapshotId, ...played.baselineIds];
  const { growths, seconds } = await evaluateTechniques(repository, snapshotIds, work);
  say("What the night job makes of it …");
  for (const verb of ["re-segment", "gc"]) await runMeasured(repoCommand(verb, repository), work);
  const nightBytes = await folderBytes(repository);
  await emptyFolder(disks);
  return {
    ...{ master, gzip, played, differingBytes, pcsAllocatedBytes, nightBytes, growths },
    evaluationSeconds: seconds,
  };
}

function report(measured: Measured, cloneCount: number): string {
  const { master, gzip, played, differingBytes, pcsAllocatedBytes, evaluationSeconds } = measured;
  const mean = differingBytes.reduce((sum, bytes) => sum + bytes, 0) / cloneCount;
  const parts = [
    "# Benchmark: localized",
    `A master with a system partition of ${inMegabytes(master.system.sizeBytes)} full of real files (its disk takes ${inMegabytes(master.allocatedBytes)}) and one for ` +
      `its identity, and ${cloneCount} blank PCs. One job made them copies of it, told each PC ${FACT_NAMES.length} facts in ${played.tokenCount} places ` +
      "(settings in UTF-8 and UTF-16LE, a log, ids, files changed by recipes, the identity volume), and took a snapshot of each. " +
      `At most ${PCS_AT_ONCE} PCs were on at a time, for all share this machine's processors. ` +
      "Every disk was compared afterwards: the files are what they must be, no fact of another PC is on it, its file system is clean.",
    machineLine(),
    timeTable(measured),
    `A PC differs from the master in ${inMegabytes(mean)} on average, by blocks of 4 KiB; the preview said at most ${inMegabytes(played.foreseenBytes)} before. ` +
      `The disks of all PCs take ${inMegabytes(pcsAllocatedBytes)}.`,
    "## What is kept",
    growthTable(measured, cloneCount),
    `gzip: ${gzip.program} -6 of the master's partitions. Techniques are computed by \`repo evaluate\` from the real snapshots, as archived into an empty ` +
      `repository with blocks of 4 KiB, diffs to the master (it took ${formatSeconds(evaluationSeconds)}). The repository on disk has every file in its folder.`,
    `## Promises\n\n${claimTable(claimsOf(measured, cloneCount))}`,
  ];
  return `${parts.join("\n\n")}\n`;
}

function timeTable({ played }: Measured): string {
  const { job, masterJob, jobSeconds } = played;
  const head = ["", "from begin to end", "one PC, median", "longest"];
  const row = (name: string, kind: string) => {
    const each = job.tasks
      .filter((task) => task.kind === kind)
      .map(secondsOf)
      .sort((a, b) => a - b);
    const cells = [spanOf(job, kind), each[Math.floor(each.length / 2)] ?? 0, each.at(-1) ?? 0];
    return [name, ...cells.map(formatSeconds)];
  };
  const rows = [
    ["snapshot of the master", formatSeconds(masterJob.tasks.map(secondsOf)[0] ?? 0), "", ""],
    row("clone", "restore"),
    row("localize", "localize"),
    row("baseline", "archive"),
    ["**the job**", `**${formatSeconds(jobSeconds)}**`, "", ""],
  ];
  return markdownTable(head, rows);
}

function secondsOf({ startedAt, finishedAt }: RunTask): number {
  return (Date.parse(finishedAt ?? "") - Date.parse(startedAt ?? "")) / 1000;
}

function spanOf({ tasks }: RunJob, kind: string): number {
  const mine = tasks.filter((task) => task.kind === kind);
  const begin = Math.min(...mine.map(({ startedAt }) => Date.parse(startedAt ?? "")));
  return (Math.max(...mine.map(({ finishedAt }) => Date.parse(finishedAt ?? ""))) - begin) / 1000;
}

function growthTable({ growths, gzip, played, nightBytes }: Measured, cloneCount: number): string {
  const counts = [...new Set([...SHOWN_COUNTS.filter((count) => count < cloneCount), cloneCount])];
  const head = [
    "",
    ...counts.map((count) => (count === 0 ? "master" : `and ${count} ${count === 1 ? "PC" : "PCs"}`)),
    "a PC adds",
  ];
  const rows = growths.map(({ technique, compression, totalBytes }) => {
    const first = totalBytes[0] ?? 0;
    const last = totalBytes.at(-1) ?? 0;
    return [
      `${technique}, ${compression}`,
      ...counts.map((count) => inMegabytes(totalBytes[count] ?? 0)),
      inMegabytes((last - first) / cloneCount),
    ];
  });
  const { master, all } = played.repositoryBytes;
  const between = counts.slice(1, -1).map(() => "");
  const real = (name: string, first: string, last: number, each: string) => [
    ...[name, first],
    ...(counts.length > 1 ? [...between, inMegabytes(last)] : []),
    each,
  ];
  return markdownTable(head, [
    ["one gzip image of the master", inMegabytes(gzip.bytes), ...counts.slice(1).map(() => ""), ""],
    ...rows,
    real("**repository on disk**", inMegabytes(master), all, inMegabytes((all - master) / cloneCount)),
    real("… after the night job", "", nightBytes, ""),
  ]);
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, column) => (column === 0 ? "---" : "---:"));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function claimsOf({ played, gzip, nightBytes }: Measured, cloneCount: number): Claim[] {
  const bound = { atMost: REPOSITORY_TO_GZIP_MAX, format: times };
  return [
    {
      ...bound,
      text: `repository with the master and ${cloneCount} localized PCs, to one gzip image of the master`,
      value: ratio(played.repositoryBytes.all, gzip.bytes),
    },
    { ...bound, text: "… after the night job", value: ratio(nightBytes, gzip.bytes) },
  ];
}

function chart({ growths, gzip }: Measured, cloneCount: number): string {
  const shown: readonly (readonly [string, string, Curve["role"]])[] = [
    ["full", "gzip", "peer"],
    ["full", "zstd", "peer"],
    ["diff", "zstd", "peer"],
    ["repository", "zstd", "ours"],
  ];
  const curves = shown.flatMap(([technique, compression, role]): Curve[] => {
    const mine = growths.find(
      (growth) => growth.technique === technique && growth.compression === compression,
    );
    if (mine === undefined) return [];
    return [
      {
        name: `${technique}, ${compression}`,
        role,
        points: mine.totalBytes.map((bytes, count) => [count, bytes]),
      },
    ];
  });
  const bytes = REPOSITORY_TO_GZIP_MAX * gzip.bytes;
  const limit: Curve = {
    name: "1.15 gzip images",
    role: "limit",
    points: [
      [0, bytes],
      [cloneCount, bytes],
    ],
  };
  return chartOfCurves({
    title: "Localized partitions: a master and its clones, by technique",
    counted: "localized PCs beside the master",
    format: inMegabytes,
    curves: [...curves, limit],
  });
}
