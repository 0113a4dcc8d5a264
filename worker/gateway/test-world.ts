// A server and PCs for tests, in one process and over real TLS: a real repository in memory, a real gateway, real agents over
// small disk images with a partition table. Only the database is a fake.
import { createCipheriv, createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runAgent } from "#agent/agent.ts";
import { openFileDevice } from "#agent/device/file-device.ts";
import { writeGpt } from "#agent/device/write-gpt.ts";
import { createRepository, openRepository, type Repository } from "#lib/engine/repository.ts";
import { memoryStorage } from "#lib/engine/storage/memory.ts";
import { CodedError } from "#lib/model/errors.ts";
import { ensureGatewayCertificate, type GatewayCertificate } from "./certificate.ts";
import { type Gateway, type GatewayLog, startGateway } from "./gateway.ts";
import { MemoryStore } from "./memory-store.ts";

const MIB = 1024 * 1024;

const silentLog: GatewayLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

export interface RunningAgent {
  readonly lines: string[];
  readonly ended: Promise<void>;
  /** Resolves with the node's id once the agent said that it is ready. */
  readonly ready: Promise<string>;
  stop(): Promise<void>;
}

export class TestWorld {
  readonly folder: string;
  readonly repository: Repository;
  readonly certificate: GatewayCertificate;
  readonly store = new MemoryStore();
  gateway: Gateway;
  readonly #agents: RunningAgent[] = [];

  private constructor(
    folder: string,
    repository: Repository,
    certificate: GatewayCertificate,
    gateway: Gateway,
    store: MemoryStore,
  ) {
    this.folder = folder;
    this.repository = repository;
    this.certificate = certificate;
    this.gateway = gateway;
    this.store = store;
  }

  static async create(): Promise<TestWorld> {
    const folder = await mkdtemp(join(tmpdir(), "sheepfold-gateway-"));
    const storage = memoryStorage();
    await createRepository({ storage });
    const repository = await openRepository({ storage, access: "write", threads: 0 });
    const certificate = await ensureGatewayCertificate(join(folder, "state"));
    const store = new MemoryStore();
    const gateway = await startGateway({
      repository,
      certificate,
      host: "127.0.0.1",
      port: 0,
      log: silentLog,
      store,
    });
    return new TestWorld(folder, repository, certificate, gateway, store);
  }

  /** As after a worker's restart: same port, same repository, nothing in memory. */
  async restartGateway(): Promise<void> {
    const { port } = this.gateway;
    await this.gateway.close();
    this.gateway = await startGateway({
      repository: this.repository,
      certificate: this.certificate,
      host: "127.0.0.1",
      port,
      log: silentLog,
      store: this.store,
    });
  }

  startAgent(
    name: string,
    disk: string,
    options: { fingerprint?: string; enrolmentKey?: string | null } = {},
  ): RunningAgent {
    const stop = new AbortController();
    const lines: string[] = [];
    const { promise: ready, resolve } = Promise.withResolvers<string>();
    const add = (line: string) => {
      lines.push(line);
      const found = /agent ready \S+ (\S+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    };
    const { fingerprint = this.certificate.fingerprint, enrolmentKey = this.store.enrolmentKey } = options;
    const ended = runAgent(
      {
        server: { host: "127.0.0.1", port: this.gateway.port, fingerprint },
        stateFolder: join(this.folder, name),
        name,
        enrolmentKey,
        diskPaths: [disk],
      },
      { info: add, warn: add },
      stop.signal,
    );
    const agent: RunningAgent = {
      lines,
      ready,
      ended,
      stop: async () => {
        stop.abort(new CodedError("agent-lost", "The test stops the agent."));
        await ended;
      },
    };
    this.#agents.push(agent);
    return agent;
  }

  /** A disk image with a GPT and one partition of pseudo-random bytes with a stretch of zeros. */
  async makeDisk(name: string, sizeBytes = 12 * MIB, seed = 1): Promise<string> {
    const path = join(this.folder, `${name}.img`);
    await writeFile(path, new Uint8Array(sizeBytes));
    const device = await openFileDevice(path, "write");
    const partition = {
      label: "system",
      offsetBytes: MIB,
      sizeBytes: sizeBytes - 2 * MIB,
      guid: guidOf(seed),
    };
    await writeGpt(device, guidOf(seed + 1000), [partition]);
    await device.write(MIB, noise(seed, partition.sizeBytes - 3 * MIB));
    await device.close();
    return path;
  }

  async close(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop()));
    await this.gateway.close();
    await this.repository.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export function noise(seed: number, count: number): Buffer {
  const key = createHash("sha256").update(`noise ${seed}`).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(count));
}

export async function overwrite(path: string, offsetBytes: number, bytes: Uint8Array): Promise<void> {
  const device = await openFileDevice(path, "write");
  await device.write(offsetBytes, bytes);
  await device.close();
}

export async function sha256Of(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

function guidOf(seed: number): string {
  const hex = createHash("sha256").update(`guid ${seed}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    "-",
  );
}
