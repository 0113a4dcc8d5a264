// The agent's life: enrol until approved, say hello with the disks, then ask for tasks for ever. Whatever goes wrong on the
// network while idle is waited out; whatever goes wrong in a task is reported and the next one asked for.
import { setTimeout as wait } from "node:timers/promises";
import { CodedError } from "#lib/model/errors.ts";
import type { DiskInfo } from "#lib/model/node.ts";
import { SHEEPFOLD_VERSION } from "#lib/model/version.ts";
import {
  EnrolResponse,
  HelloResponse,
  LEASE_WAIT_MS_MAX,
  LeaseResponse,
  PROTOCOL_VERSION,
  type TaskMessage,
} from "#lib/protocol/control.ts";
import { inspectDisk } from "./device/disk.ts";
import { listDiskPaths } from "./device/list-disks.ts";
import { GatewayClient } from "./gateway-client.ts";
import { HashPool } from "./hash/hash-pool.ts";
import { collectHints } from "./hints.ts";
import { type AgentIdentity, loadOrCreateIdentity } from "./identity.ts";
import type { AgentLog } from "./log.ts";
import type { AgentOptions } from "./options.ts";
import { backoffMs, pause } from "./retrying.ts";
import { runTask } from "./tasks/run-task.ts";

const IDLE_RETRY_MS_MAX = 30_000;
const APPROVAL_POLL_MS = 3_000;
// The gateway answers a long poll in time even when it has nothing; more silence than this means the connection is dead.
const LEASE_SILENCE_MS_MAX = LEASE_WAIT_MS_MAX + 15_000;
/** Time for a running task's requests to end when the agent stops. */
const STOP_MS_MAX = 5_000;

export async function runAgent(options: AgentOptions, log: AgentLog, signal: AbortSignal): Promise<void> {
  const identity = await loadOrCreateIdentity(options.stateFolder);
  const agent = new Agent(options, identity, log, signal);
  try {
    await agent.live();
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  } finally {
    await Promise.race([agent.close(), wait(STOP_MS_MAX, undefined, { ref: false })]);
  }
}

class Agent {
  readonly #options: AgentOptions;
  readonly #identity: AgentIdentity;
  readonly #log: AgentLog;
  readonly #signal: AbortSignal;
  readonly #client: GatewayClient;
  readonly #pool = new HashPool();
  #saidReady = false;
  #trouble = "";

  constructor(options: AgentOptions, identity: AgentIdentity, log: AgentLog, signal: AbortSignal) {
    this.#options = options;
    this.#identity = identity;
    this.#log = log;
    this.#signal = signal;
    this.#client = new GatewayClient(options.server, identity);
  }

  /** One round per connection lost and found; never ends but by the signal. */
  async live(): Promise<never> {
    for (let failures = 0; ; ) {
      try {
        await this.#enrol();
        await this.#hello();
        for (;;) {
          const ranTask = await this.#leaseAndRun();
          failures = 0;
          this.#trouble = "";
          // A restore may have changed the disks, and a snapshot may have failed because they had changed.
          if (ranTask) await this.#hello();
        }
      } catch (thrown) {
        this.#signal.throwIfAborted();
        failures += 1;
        this.#say(thrown);
        await pause(backoffMs(failures, IDLE_RETRY_MS_MAX), this.#signal);
      }
    }
  }

  async close(): Promise<void> {
    this.#client.close();
    await this.#pool.close();
  }

  async #enrol(): Promise<void> {
    const hints = await collectHints();
    const message = {
      protocolVersion: PROTOCOL_VERSION,
      agentVersion: SHEEPFOLD_VERSION,
      proposedName: this.#options.name.slice(0, 64),
      code: this.#identity.code,
      ...hints,
      ...(this.#options.enrolmentKey === null ? {} : { enrolmentKey: this.#options.enrolmentKey }),
    };
    for (let shown = false; ; ) {
      const { state } = await this.#client.call("enrol", message, EnrolResponse, { signal: this.#signal });
      if (state === "enrolled") return;
      if (state === "refused") {
        throw new CodedError("enrolment-refused", "This PC was refused by the server.", {
          hint: "Approve it in the enrolment inbox if it shall be managed.",
        });
      }
      if (!shown) this.#log.info(bigCode(this.#identity.code));
      shown = true;
      await pause(APPROVAL_POLL_MS, this.#signal);
    }
  }

  async #hello(): Promise<void> {
    const message = {
      protocolVersion: PROTOCOL_VERSION,
      agentVersion: SHEEPFOLD_VERSION,
      disks: await this.#disks(),
    };
    const { nodeId, name } = await this.#client.call("hello", message, HelloResponse, {
      signal: this.#signal,
    });
    if (!this.#saidReady) this.#log.info(`agent ready ${name} ${nodeId}`);
    this.#saidReady = true;
  }

  /** True when a task was run. */
  async #leaseAndRun(): Promise<boolean> {
    const { task } = await this.#client.call("lease", { waitMs: LEASE_WAIT_MS_MAX }, LeaseResponse, {
      signal: this.#signal,
      silenceMsMax: LEASE_SILENCE_MS_MAX,
    });
    if (task === null) return false;
    this.#log.info(`${task.kind} ${task.taskId} begins: ${wordsOf(task)}`);
    const outcome = await runTask({
      client: this.#client,
      pool: this.#pool,
      diskPaths: await this.#diskPaths(),
      task,
      stop: this.#signal,
    });
    this.#log.info(`${task.kind} ${task.taskId} ends: ${outcome}`);
    return true;
  }

  async #disks(): Promise<DiskInfo[]> {
    const disks = await Promise.all((await this.#diskPaths()).map(inspectDisk));
    return disks.map((disk) => disk.info);
  }

  async #diskPaths(): Promise<readonly string[]> {
    return this.#options.diskPaths ?? (await listDiskPaths());
  }

  /** The same trouble is said once, not every thirty seconds through a night. */
  #say(thrown: unknown): void {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const hint = thrown instanceof CodedError && thrown.hint !== null ? ` ${thrown.hint}` : "";
    if (message !== this.#trouble) this.#log.warn(`${message}${hint}`);
    this.#trouble = message;
  }
}

function wordsOf(task: TaskMessage): string {
  return task.images.map((image) => image.partition).join(", ");
}

function bigCode(code: string): string {
  const line = "─".repeat(code.length + 22);
  return `┌${line}┐\n│   This PC's code:  ${code}  │\n└${line}┘\nApprove it in the dashboard's enrolment inbox, where the same code is shown.`;
}
