#!/usr/bin/env node
// Starts the sheepfold program on a Node that can run it.
//
// The program is TypeScript run as it is, and reads zstd with node:zlib: both need Node 22.18 or newer. Debian 12
// and many others bring Node 20, so this file is plain JavaScript that any Node from 16 on understands. On an older
// Node it starts the Node that came with our packages, hands on signals, and ends with the program's own exit code.
//
// Compiled code is kept in the account's own cache folder, which saves two thirds of the time to start, for the program
// and for each of its threads. NODE_DISABLE_COMPILE_CACHE=1 turns that off.
import { spawn } from "node:child_process";
import { existsSync, lstatSync, mkdirSync } from "node:fs";
import * as nodeModule from "node:module";
import { constants, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const OLDEST = [22, 18];
const EXIT_USAGE = 2;
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"];
const program = join(dirname(fileURLToPath(import.meta.url)), "sheepfold.ts");

keepCompiledCode();
if (isNewEnough(process.versions.node)) {
  await import("./sheepfold.ts");
} else {
  const node = packagedNode();
  if (node === null) refuse();
  else run(node);
}

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

function keepCompiledCode() {
  if (process.env.NODE_COMPILE_CACHE !== undefined || process.env.NODE_DISABLE_COMPILE_CACHE === "1") return;
  const folder = ownCacheFolder();
  if (folder === null) return;
  process.env.NODE_COMPILE_CACHE = folder; // Threads, and a packaged Node, look here.
  nodeModule.enableCompileCache?.(folder);
}

/** Below the home folder the system knows for this account, whatever $HOME says: what lies in it is run as this account,
 *  perhaps root. Null where there is none; then the program starts more slowly. */
function ownCacheFolder() {
  try {
    const { homedir, uid } = userInfo();
    if (lstatSync(homedir).uid !== uid) return null;
    const folder = join(homedir, ".cache", "sheepfold", "code");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    return found.isDirectory() && found.uid === uid && (found.mode & 0o022) === 0 ? folder : null;
  } catch {
    return null;
  }
}

function packagedNode() {
  const name = `node-linux-${process.arch}/bin/node`;
  try {
    return nodeModule.createRequire(import.meta.url).resolve(name);
  } catch {
    // The package may forbid the deep path; then it is looked for where npm puts it.
    const path = join(dirname(program), "..", "node_modules", name);
    return existsSync(path) ? path : null;
  }
}

function refuse() {
  console.error(
    `sheepfold: Node ${process.versions.node} is too old, and the packaged Node 24 is not installed.\n` +
      `Run \`npm install\` in ${join(dirname(program), "..")}, or use Node ${OLDEST.join(".")} or newer.`,
  );
  process.exitCode = EXIT_USAGE;
}

function run(node) {
  // The fourth stream closes when this process dies, even by kill -9: the program then stops by itself
  // instead of going on without anybody watching.
  const child = spawn(node, [program, ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`sheepfold: ${node} does not start: ${error.message}`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
  });
}
