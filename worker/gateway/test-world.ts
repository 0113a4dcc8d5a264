// A server and PCs for tests, in one process and over real TLS: a real repository in a temporary folder, a real gateway, real agents over
// small disk images with a partition table. Only the database is a fake. The agent comes as an argument, because the worker
// may not import it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createRepository,
  openLocalDisk,
  openRepository,
  type Repository,
  type Storage,
} from "#lib/engine/repository.ts";
import { CodedError } from "#lib/model/errors.ts";
import { ensureGatewayCertificate, type GatewayCertificate } from "./certificate.ts";
import { type Gateway, type GatewayLog, startGateway } from "./gateway.ts";
import { MemoryStore } from "./memory-store.ts";
import { NewKeyRate } from "./new-key-rate.ts";

const silentLog: GatewayLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

export interface RunningAgent {
  readonly lines: string[];
  readonly ended: Promise<void>;
  /** Resolves with the node's id once the agent said that it is ready. */
  readonly ready: Promise<string>;
  stop(): Promise<void>;
}

/** As `runAgent` of agent/agent.ts. */
export type RunAgent = (
  options: {
    readonly server: { readonly host: string; readonly port: number; readonly fingerprint: string };
    readonly stateFolder: string;
    readonly name: string;
    readonly enrolmentKey: string | null;
    readonly diskPaths: readonly string[];
  },
  log: { info(message: string): void; warn(message: string): void },
  signal: AbortSignal,
) => Promise<void>;

export class TestWorld {
  readonly folder: string;
  readonly repository: Repository;
  readonly #storage: Storage;
  readonly certificate: GatewayCertificate;
  readonly store = new MemoryStore();
  readonly newKeys: NewKeyRate;
  gateway: Gateway;
  readonly #agents: RunningAgent[] = [];
  readonly #runAgent: RunAgent;

  private constructor(
    folder: string,
    storage: Storage,
    repository: Repository,
    certificate: GatewayCertificate,
    gateway: Gateway,
    store: MemoryStore,
    newKeys: NewKeyRate,
    runAgent: RunAgent,
  ) {
    this.folder = folder;
    this.#storage = storage;
    this.repository = repository;
    this.certificate = certificate;
    this.gateway = gateway;
    this.store = store;
    this.newKeys = newKeys;
    this.#runAgent = runAgent;
  }

  static async create(runAgent: RunAgent): Promise<TestWorld> {
    const folder = await mkdtemp(join(tmpdir(), "sheepfold-gateway-"));
    try {
      return await TestWorld.#createIn(folder, runAgent);
    } catch (thrown) {
      await rm(folder, { recursive: true, force: true });
      throw thrown;
    }
  }

  static async #createIn(folder: string, runAgent: RunAgent): Promise<TestWorld> {
    const path = join(folder, "repository");
    const storage = await openLocalDisk(path, { create: true });
    await createRepository({ storage });
    const repository = await openRepository({ storage, access: "write", threads: 0 });
    const certificate = await ensureGatewayCertificate(join(folder, "state"));
    const store = new MemoryStore();
    const newKeys = new NewKeyRate();
    const gateway = await startGateway({
      repository,
      certificate,
      host: "127.0.0.1",
      port: 0,
      log: silentLog,
      store,
      newKeys,
    });
    return new TestWorld(folder, storage, repository, certificate, gateway, store, newKeys, runAgent);
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
      newKeys: this.newKeys,
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
    const ended = this.#runAgent(
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

  async close(): Promise<void> {
    try {
      await Promise.all(this.#agents.map((agent) => agent.stop()));
      await this.gateway.close();
      await this.repository.close();
      await this.#storage.close();
    } finally {
      await rm(this.folder, { recursive: true, force: true });
    }
  }
}
