#!/usr/bin/env node
// Starts the sheepfold program on a Node that can run it.
//
// The program is TypeScript run as it is, and reads zstd with node:zlib: both need Node 22.18 or newer. Debian 12
// and many others bring Node 20, so this file is plain JavaScript that any Node from 16 on understands. On an older
// Node it starts the Node that came with our packages, hands on signals, and ends with the program's own exit code.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const OLDEST = [22, 18];
const EXIT_USAGE = 2;
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"];
const program = join(dirname(fileURLToPath(import.meta.url)), "sheepfold.ts");

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

function packagedNode() {
  const name = `node-linux-${process.arch}/bin/node`;
  try {
    return createRequire(import.meta.url).resolve(name);
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
