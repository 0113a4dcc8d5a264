// A practice classroom: simulated PCs, each the real agent over an image file that holds a partition table and a real ext4
// partition with real files. Registered through the product's API with an enrolment key, as a room would be.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createSimulatedDisk } from "#agent/simulated-pc.ts";
import type { ApiClient } from "./api-client.ts";
import type { Child } from "./child-process.ts";
import type { Stack } from "./stack.ts";

export interface SimulatedPc {
  readonly name: string;
  readonly disk: string;
  readonly agent: Child;
}

export interface SimulatedClassroom {
  readonly groupId: string;
  readonly name: string;
  readonly pcs: readonly SimulatedPc[];
}

export interface ClassroomOptions {
  readonly name: string;
  readonly pcCount: number;
  readonly sizeBytes?: number;
  /** Folders of this machine whose files are on the disks. */
  readonly contents?: readonly string[];
  /** Each disk has a partition of this size for an identity volume. */
  readonly identityBytes?: number;
  readonly log: (line: string) => void;
}

interface NamedRow {
  readonly id: string;
  readonly name: string;
}

const MIB = 1024 * 1024;

/** Makes what is missing (classroom, disks, enrolments) and starts an agent per PC; resolves when all are enrolled. */
export async function startSimulatedClassroom(
  stack: Stack,
  api: ApiClient,
  options: ClassroomOptions,
): Promise<SimulatedClassroom> {
  const groupId = await classroomNamed(api, options.name);
  const names = Array.from({ length: options.pcCount }, (_, seat) => pcName(options.name, seat + 1));
  const enrolmentKey = names.every((name) => stack.hasEnrolmentKey(name))
    ? undefined
    : await newEnrolmentKey(api, options.name, groupId);
  const disks = await makeDisks(stack, names, options);
  const pcs = await Promise.all(
    names.map(async (name, index) => {
      const disk = disks[index] as string;
      return { name, disk, agent: await stack.startAgent({ name, disk, enrolmentKey }) };
    }),
  );
  return { groupId, name: options.name, pcs };
}

async function classroomNamed(api: ApiClient, name: string): Promise<string> {
  const { items } = await api.get<{ items: readonly NamedRow[] }>("/api/v1/groups");
  const found = items.find((group) => group.name === name);
  return found?.id ?? (await api.post<NamedRow>("/api/v1/groups", { name })).id;
}

async function newEnrolmentKey(api: ApiClient, room: string, groupId: string): Promise<string> {
  const wish = { name: `Practice PCs of ${room}`, groupId };
  return (await api.post<{ secret: string }>("/api/v1/enrolment-keys", wish)).secret;
}

function pcName(room: string, seat: number): string {
  return `${room.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}-${String(seat).padStart(2, "0")}`;
}

async function makeDisks(
  stack: Stack,
  names: readonly string[],
  options: ClassroomOptions,
): Promise<string[]> {
  const folder = join(stack.dir, "pcs");
  mkdirSync(folder, { recursive: true });
  const disks = names.map((name) => join(folder, `${name}.img`));
  const missing = disks.filter((disk) => !existsSync(disk));
  if (missing.length > 0) options.log(`making ${missing.length} disks with real ext4 partitions …`);
  for (const [index, disk] of disks.entries()) {
    if (existsSync(disk)) continue;
    await createSimulatedDisk({
      file: disk,
      sizeBytes: options.sizeBytes ?? 320 * MIB,
      seed: index + 1,
      hostName: names[index] as string,
      ...(options.contents === undefined ? {} : { contents: options.contents }),
      ...(options.identityBytes === undefined ? {} : { identityBytes: options.identityBytes }),
      // All PCs of a room were cloned from one: they share all but their identity.
      like: disks.find((other) => existsSync(other)),
    });
  }
  return disks;
}
