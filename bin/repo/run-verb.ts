// runVerb carries out one verb: it owns interruption, the words about failure and the exit code, so that a verb's
// file holds only what the verb does.
import { Command } from "commander";
import { CodedError, failureReportOf, isFailureCode } from "#lib/model/errors.ts";
import { EXIT, EXIT_OF_FAILURE, type ExitCode, exitCodeTable } from "./exit-codes.ts";
import { withKeyOptions } from "./key-options.ts";
import { Output, type OutputOptions } from "./output.ts";
import { Refusal } from "./refusal.ts";

export interface VerbContext {
  /** Aborted by Ctrl-C and by SIGTERM and SIGHUP. Every long work must take it. */
  readonly signal: AbortSignal;
  readonly output: Output;
}

/** A second signal ends the program at once. One Ctrl-C may arrive twice, from the terminal and through the
 *  launcher, so signals this close together count as one. */
const SAME_SIGNAL_MS = 700;

/** A command that works on a repository's folder, with the options every such verb has. */
export function newVerb(name: string, summary: string): Command {
  return withKeyOptions(plainVerb(name, summary));
}

/** A command that opens no repository. */
export function plainVerb(name: string, summary: string): Command {
  return new Command(name)
    .description(summary)
    .option("--json", "print the result as one JSON value on stdout, and errors as JSON lines on stderr")
    .option("--progress", "show progress on stderr even when it is not a terminal")
    .option("--no-progress", "never show progress")
    .addHelpText("after", `\n${exitCodeTable()}`)
    .configureHelp({ showGlobalOptions: false });
}

/** Resolves when all is said; the exit code is left in process.exitCode. `afterInterruption` says what the verb leaves
 *  when it is stopped in the middle. */
export async function runVerb(
  options: OutputOptions,
  work: (context: VerbContext) => Promise<ExitCode>,
  afterInterruption = "The repository is as it was. Run the same command again when it suits.",
): Promise<void> {
  const output = new Output(options);
  const interruption = listenForSignals();
  try {
    process.exitCode = await work({ signal: interruption.signal, output });
  } catch (thrown) {
    if (interruption.signal.aborted && !(thrown instanceof Refusal)) {
      output.error({ code: "interrupted", message: "Interrupted.", hint: afterInterruption });
      process.exitCode = EXIT.interrupted;
    } else {
      process.exitCode = report(output, thrown);
    }
  } finally {
    interruption.stop();
  }
}

function report(output: Output, thrown: unknown): ExitCode {
  if (thrown instanceof Refusal) {
    output.error(thrown);
    return isFailureCode(thrown.code) ? EXIT_OF_FAILURE[thrown.code] : EXIT.refused;
  }
  const failure = failureReportOf(thrown);
  if (thrown instanceof CodedError) {
    output.error(failure);
    return EXIT_OF_FAILURE[thrown.code];
  }
  const trace = thrown instanceof Error && thrown.stack !== undefined ? thrown.stack : failure.message;
  output.error({
    code: "internal",
    message: process.env.SHEEPFOLD_TRACE === "1" ? trace : failure.message,
    hint: "This has no name yet, so it is our mistake. Set SHEEPFOLD_TRACE=1 for the full trace and report it.",
  });
  return EXIT.internal;
}

function listenForSignals(): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  let firstMs: number | null = null;
  const onSignal = () => {
    const nowMs = performance.now();
    if (firstMs !== null && nowMs - firstMs > SAME_SIGNAL_MS) process.exit(EXIT.interrupted);
    firstMs ??= nowMs;
    controller.abort();
  };
  // Started by the launcher: when that is gone (even by kill -9) nobody watches any more.
  const onLauncherGone = () => controller.abort();
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal).on("SIGHUP", onSignal);
  process.once("disconnect", onLauncherGone);
  process.channel?.unref();
  return {
    signal: controller.signal,
    stop() {
      process.off("SIGINT", onSignal).off("SIGTERM", onSignal).off("SIGHUP", onSignal);
      process.off("disconnect", onLauncherGone);
    },
  };
}
