// The worker: the only process that opens the repository. It runs the gateway for agents, claims jobs and carries them out, and
// keeps rows true. This file composes the parts and stops them in order; what they do is in their own files.
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { ensureAdmin } from "#lib/auth/bootstrap-admin.ts";
import { closeDatabase, isDatabaseUnavailable, waitForDatabase } from "#lib/db/client.ts";
import { loseWorker, runningJobsOfRepository } from "#lib/db/job-upkeep.ts";
import { applyMigrations } from "#lib/db/migrate.ts";
import { closeNotifications } from "#lib/db/notify.ts";
import { listRepositories } from "#lib/db/repositories.ts";
import { type Environment, parseEnvironment } from "#lib/env.ts";
import { systemClock } from "#lib/model/clock.ts";
import { consumeTickets } from "#lib/queue/consume.ts";
import { closeQueue } from "#lib/queue/enqueue.ts";
import { ensureGatewayCertificate } from "./gateway/certificate.ts";
import { type GatewayLog, startGateway } from "./gateway/gateway.ts";
import { JobSlots } from "./job-slots.ts";
import { watchJobs } from "./job-watch.ts";
import { inWords, log } from "./log.ts";
import { startNightWatch } from "./night-watch.ts";
import { openWorkersRepository } from "./open-repository.ts";
import { PROCESSORS } from "./processors/all.ts";
import { reconcile } from "./reconcile.ts";
import type { WorkerContext } from "./run-job.ts";
import { startSweeper } from "./sweeper.ts";

/** Jobs of agents mostly wait for the network, so many may run at once; the engine queues what needs the processor. */
const JOBS_AT_ONCE_MAX = 32;
const STOP_MS_MAX = 9_000;

async function main(): Promise<void> {
  const environment = parseEnvironment(process.env);
  await prepareDatabase(environment);
  const folder = environment.SHEEPFOLD_REPOSITORY;
  const seen = (await untilDatabaseAnswers(listRepositories)).filter(({ path }) => path === folder);
  const repository = await openWorkersRepository(
    folder,
    seen.map(({ id }) => id),
    { keyFile: environment.SHEEPFOLD_KEY_FILE, passphrase: environment.SHEEPFOLD_PASSPHRASE },
  );
  await untilDatabaseAnswers(() => reconcile(repository, folder));
  // We hold the repository's lock, so whoever ran these jobs is gone: no need to wait for its silence.
  await untilDatabaseAnswers(async () => {
    for (const { jobId, workerId } of await runningJobsOfRepository(repository.info.id)) {
      if (await loseWorker(jobId, workerId))
        log("info", `${jobId} was left by ${workerId ?? "a worker"}; queued again`);
    }
  });
  const stopping = new AbortController();
  const watch = await untilDatabaseAnswers(watchJobs);
  const workerId = `${hostname()}:${process.pid}:${Date.now().toString(36)}`;
  const context: WorkerContext = {
    workerId,
    repository,
    watch,
    processors: PROCESSORS,
    stopping: stopping.signal,
  };
  const slots = new JobSlots(context, JOBS_AT_ONCE_MAX);
  const certificate = await ensureGatewayCertificate(environment.SHEEPFOLD_STATE);
  const { GATEWAY_HOST: host, GATEWAY_PORT: port } = environment;
  const lines = { gatewayMbit: environment.GATEWAY_LINE_MBIT, pcMbit: environment.PC_LINE_MBIT };
  const gateway = await untilDatabaseAnswers(() =>
    startGateway({ repository, certificate, host, port, lines, log: gatewayLog }),
  );
  const consumer = consumeTickets(
    ({ jobId }) => slots.run(jobId),
    (line) => log("warn", line),
  );
  const sweeper = startSweeper({
    agentWaitMs: environment.AGENT_WAIT_MS,
    onQueuedWithoutQueue: (jobId) => slots.runIfFree(jobId),
  });
  const nightWatch = startNightWatch(systemClock);

  let stopped = false;
  const stop = async (signal: NodeJS.Signals) => {
    if (stopped) return;
    stopped = true;
    log("info", `${signal}: stopping`);
    // Whatever hangs (a disk, a database that is away), the process ends in time; the rows survive that.
    setTimeout(() => process.exit(1), STOP_MS_MAX).unref();
    stopping.abort();
    await Promise.allSettled([consumer.close(), sweeper.stop(), nightWatch.stop(), slots.idle()]);
    await Promise.allSettled([gateway.close(), watch.close()]);
    await repository.close();
    await Promise.allSettled([closeQueue(), closeNotifications(), closeDatabase()]);
    log("info", "stopped");
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      stop(signal).catch((thrown: unknown) => {
        log("error", `Stopping failed: ${inWords(thrown)}`);
        process.exit(1);
      });
    });
  }
  const { fingerprint } = gateway;
  const printed = fingerprint.startsWith("sha256:") ? fingerprint : `sha256:${fingerprint}`;
  console.log(`worker ready, gateway https://${host}:${gateway.port} fingerprint ${printed}`);
}

async function prepareDatabase(environment: Environment): Promise<void> {
  let said = false;
  const sayOnce = () => {
    if (!said) log("warn", "Waiting for the database: it does not answer at DATABASE_URL");
    said = true;
  };
  await waitForDatabase(Number.POSITIVE_INFINITY, sayOnce);
  const applied = await applyMigrations(environment.DATABASE_URL);
  if (applied.length > 0) log("info", `Applied migrations: ${applied.join(", ")}`);
  const admin = await ensureAdmin();
  // The one time the password is readable anywhere.
  if (admin !== null) console.log(`Admin sign-in: ${admin.email} ${admin.password}`);
}

async function untilDatabaseAnswers<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      if (!isDatabaseUnavailable(thrown)) throw thrown;
      log("warn", `Waiting: ${inWords(thrown)}`);
      await delay(1_000);
    }
  }
}

const gatewayLog: GatewayLog = {
  info: (message, facts) => log("info", withFacts(message, facts)),
  warn: (message, facts) => log("warn", withFacts(message, facts)),
  error: (message, facts) => log("error", withFacts(message, facts)),
};

function withFacts(message: string, facts?: Readonly<Record<string, unknown>>): string {
  return facts === undefined ? message : `${message} ${JSON.stringify(facts)}`;
}

// Something we did not foresee has left the process in an unknown state: end it, the next start takes the jobs back.
process.on("uncaughtException", (thrown) => {
  log("error", `Uncaught: ${inWords(thrown)}`);
  process.exit(1);
});

try {
  await main();
} catch (thrown) {
  console.error(`The worker cannot start. ${inWords(thrown)}`);
  process.exit(1);
}
