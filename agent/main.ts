// The program that runs on a PC: reads its options, lives until SIGTERM or SIGINT, and says what went wrong in one line.
import { CodedError } from "#lib/model/errors.ts";
import { runAgent } from "./agent.ts";
import { stdoutLog } from "./log.ts";
import { parseOptions, USAGE } from "./options.ts";

const stop = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const) {
  process.once(name, () => stop.abort(new CodedError("agent-lost", `The agent was stopped by ${name}.`)));
}

// Whoever read our log may go away; a restore does not end for that.
process.stdout.on("error", () => undefined);

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === null) process.stdout.write(USAGE);
  else await runAgent(options, stdoutLog, stop.signal);
} catch (thrown) {
  const hint = thrown instanceof CodedError && thrown.hint !== null ? `\n${thrown.hint}` : "";
  const words =
    thrown instanceof CodedError ? thrown.message : thrown instanceof Error ? thrown.stack : String(thrown);
  process.stderr.write(`${words}${hint}\n`);
  process.exitCode = 1;
}
