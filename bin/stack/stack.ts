// The whole product on one machine: Postgres, Redis, worker with gateway, app, and simulated PCs running the real agent over
// image files. The demo, `npm run dev`, the end-to-end tests and the kill tests all start it from here.
//
// Everything lives in one folder and is found again by the next start: data, passwords, the admin's sign-in, disks.
import { createHash, randomBytes } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { CodedError } from "#lib/model/errors.ts";
import type { SignIn } from "./api-client.ts";
import { type Child, startChild, stopAllChildren } from "./child-process.ts";
import { freePort, portNear, type Services, startServices } from "./services.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const APP_PORT_WANTED = 3000;

export interface StackOptions {
  readonly dir: string;
  readonly log?: (line: string) => void;
  /** "production" builds once per state of the sources; "development" compiles as pages are asked for. */
  readonly app?: "production" | "development" | "none";
  /** More settings for worker and app. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: 3000, or any when that is taken. Where others start stacks too, 3000 may be taken while ours is starting. */
  readonly appPort?: number;
}

export interface Stack {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly services: Services;
  readonly appUrl: string;
  readonly admin: SignIn;
  /** The running worker; replaced by restartWorker. */
  worker(): Child;
  restartWorker(): Promise<void>;
  startAgent(options: AgentOptions): Promise<Child>;
  /** True when an agent of that name was given an enrolment key before: it needs no other. */
  hasEnrolmentKey(agentName: string): boolean;
  stop(): Promise<void>;
}

export interface AgentOptions {
  readonly name: string;
  readonly disk: string;
  readonly enrolmentKey?: string;
  /** False: do not wait until it has enrolled (a kill test restarting it, an unapproved PC). */
  readonly waitUntilReady?: boolean;
}

export async function startStack(options: StackOptions): Promise<Stack> {
  const dir = resolve(options.dir);
  const log = options.log ?? ((line: string) => console.error(line));
  mkdirSync(dir, { recursive: true });
  const services = await startServices({ dir, log });
  const appMode = options.app ?? "production";
  if (appMode === "production") await buildApp(log);
  // Ports are looked for last: the longer ago, the likelier someone else has taken them.
  const appPort = options.appPort ?? (await portNear(APP_PORT_WANTED));
  const appUrl = `http://localhost:${appPort}`;
  const env = {
    DATABASE_URL: services.databaseUrl,
    REDIS_URL: services.redisUrl,
    SHEEPFOLD_REPOSITORY: join(dir, "repository"),
    SHEEPFOLD_STATE: join(dir, "state"),
    GATEWAY_HOST: "127.0.0.1",
    GATEWAY_PORT: String(await freePort()),
    BETTER_AUTH_SECRET: remembered(join(dir, "auth-secret"), () => randomBytes(32).toString("hex")),
    APP_URL: appUrl,
    ...options.env,
  };
  const startWorker = () => startWorkerProcess(dir, env);
  let worker = await startWorker();
  const admin = rememberAdmin(dir, worker);
  if (appMode !== "none") await startApp(dir, appPort, env, appMode);
  return {
    dir,
    env,
    services,
    appUrl,
    admin,
    worker: () => worker,
    restartWorker: async () => {
      await worker.stop();
      worker = await startWorker();
    },
    hasEnrolmentKey: (agentName) => existsSync(enrolmentKeyFile(dir, agentName)),
    startAgent: (agent) => startAgentProcess(dir, env, gatewayFingerprint(worker), agent),
    stop: stopAllChildren,
  };
}

function remembered(file: string, make: () => string): string {
  if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 });
  return readFileSync(file, "utf8");
}

function startWorkerProcess(dir: string, env: Readonly<Record<string, string>>): Promise<Child> {
  return startChild({
    name: "worker",
    command: process.execPath,
    args: [join(ROOT, "worker/main.ts")],
    cwd: ROOT,
    env,
    logFile: join(dir, "log", "worker.log"),
    readyWhen: /worker ready, gateway /,
    stopMsMax: 20_000,
  });
}

function gatewayFingerprint(worker: Child): string {
  const line = worker.recentLines.find((text) => text.includes("worker ready, gateway ")) ?? "";
  const found = /sha256:[0-9a-f]{64}/.exec(line);
  if (found === null)
    throw new CodedError("internal", `The worker did not say its gateway's fingerprint: "${line}".`);
  return found[0];
}

/** The first start makes the admin and says the password once; we keep it so that a second start can print it again. */
function rememberAdmin(dir: string, worker: Child): SignIn {
  const file = join(dir, "admin-sign-in");
  const said = worker.recentLines
    .map((line) => /Admin sign-in: (\S+) (\S+)/.exec(line))
    .find((match) => match !== null);
  if (said) writeFileSync(file, `${said[1]} ${said[2]}`, { mode: 0o600 });
  if (!existsSync(file)) {
    throw new CodedError(
      "internal",
      `The admin's password is not known: ${file} is missing, and an admin exists already.`,
      {
        hint: `Set DATABASE_URL to another database, or remove ${dir} to start afresh.`,
      },
    );
  }
  const [email, password] = readFileSync(file, "utf8").split(" ") as [string, string];
  return { email, password };
}

async function startApp(
  dir: string,
  port: number,
  env: Readonly<Record<string, string>>,
  mode: "production" | "development",
): Promise<void> {
  await startChild({
    name: "app",
    command: join(ROOT, "node_modules/.bin/next"),
    args: [mode === "production" ? "start" : "dev", "--port", String(port), "--hostname", "127.0.0.1"],
    cwd: ROOT,
    env,
    logFile: join(dir, "log", "app.log"),
    readyWhen: /Ready in|✓ Ready/,
  });
}

/** Builds the app unless the last build was of the same sources. */
async function buildApp(log: (line: string) => void): Promise<void> {
  const stamp = join(ROOT, process.env.NEXT_DIST_DIR ?? ".next", "sheepfold-sources");
  const sources = sourcesHash();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === sources) return;
  log("building the app (about half a minute) …");
  const build = await startChild({
    name: "app build",
    command: join(ROOT, "node_modules/.bin/next"),
    args: ["build"],
    cwd: ROOT,
    logFile: join(ROOT, ".sheepfold", "log", "build.log"),
  });
  if ((await build.exited) !== 0) {
    throw new CodedError(
      "internal",
      `The app did not build.\n    ${build.recentLines.slice(-20).join("\n    ")}`,
    );
  }
  writeFileSync(stamp, sources);
}

function sourcesHash(): string {
  const hash = createHash("sha256");
  const files = globSync(
    ["{app,components,lib}/**/*.{ts,tsx,css}", "package-lock.json", "next.config.js", "*.mjs", "proxy.ts"],
    {
      cwd: ROOT,
    },
  );
  for (const file of files.sort()) hash.update(file).update(readFileSync(join(ROOT, file)));
  return hash.digest("hex");
}

function agentFolder(dir: string, agentName: string): string {
  return join(dir, "agents", agentName);
}

function enrolmentKeyFile(dir: string, agentName: string): string {
  return join(agentFolder(dir, agentName), "enrolment-key");
}

async function startAgentProcess(
  dir: string,
  env: Readonly<Record<string, string>>,
  fingerprint: string,
  options: AgentOptions,
): Promise<Child> {
  const state = agentFolder(dir, options.name);
  mkdirSync(state, { recursive: true });
  const keyFile = enrolmentKeyFile(dir, options.name);
  if (options.enrolmentKey !== undefined) writeFileSync(keyFile, options.enrolmentKey, { mode: 0o600 });
  return startChild({
    name: `agent ${options.name}`,
    command: process.execPath,
    args: [
      join(ROOT, "agent/main.ts"),
      ...["--server", `https://127.0.0.1:${env.GATEWAY_PORT}`, "--fingerprint", fingerprint],
      ...["--state", state, "--name", options.name, "--disk", options.disk],
      ...(existsSync(keyFile) ? ["--enrolment-key-file", keyFile] : []),
    ],
    cwd: ROOT,
    logFile: join(dir, "log", `${options.name}.log`),
    ...(options.waitUntilReady === false ? {} : { readyWhen: /agent ready / }),
  });
}
