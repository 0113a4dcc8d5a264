// `sheepfold repo serve DIR SNAPSHOT --nbd ADDRESS`: offer an image as a read-only disk over NBD, so that any tool can
// mount it and take single files out. Runs until it is stopped.
import { isIP } from "node:net";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { ImageBytes } from "#lib/engine/repository.ts";
import { failureReportOf } from "#lib/model/errors.ts";
import { formatBytes } from "#lib/model/units.ts";
import type { NbdDisk } from "#lib/nbd/disk.ts";
import { type NbdAddress, NbdServer } from "#lib/nbd/server.ts";
import { EXIT } from "./exit-codes.ts";
import { findImage } from "./image-entry.ts";
import type { Output, OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { withRepository } from "./with-repository.ts";

interface ServeOptions extends OutputOptions {
  readonly nbd: NbdAddress;
  readonly partition?: string;
}

/** Exactly what `repo serve --json` prints, once clients can connect. */
interface ServeResult {
  readonly id: string;
  readonly uri: string;
  readonly sizeBytes: number;
}

/** A client tries a bad page again and again: each failure is told once, and not more than these. */
const FAILURES_TOLD_MAX = 100;
/** Of sun_path in the kernel, less the closing zero: a longer path would be cut off in silence. */
const SOCKET_PATH_BYTES_MAX = 107;

export function serveCommand(): Command {
  return newVerb("serve", "Offer an image as a read-only disk over NBD, until stopped.")
    .argument("<DIR>", "folder of the repository")
    .argument("<SNAPSHOT>", "id, an unambiguous beginning of it, or id:partition")
    .requiredOption("--nbd <ADDRESS>", "unix:PATH or tcp:HOST:PORT (port 0: any free one)", parseAddress)
    .option("--partition <NAME>", "which image, when the snapshot holds several")
    .action((dir: string, reference: string, options: ServeOptions) =>
      runVerb(options, (context) => serve(dir, reference, options, context)),
    );
}

async function serve(dir: string, reference: string, options: ServeOptions, { signal, output }: VerbContext) {
  await withRepository(dir, "read", async (repository) => {
    const { snapshot, image } = findImage(repository, reference, options.partition);
    const reader = await repository.openImage(snapshot.id, image.partition);
    const disk = diskOf(new ImageBytes(reader), {
      name: `${snapshot.id}:${image.partition}`,
      description: `${snapshot.node} ${image.partition}, ${snapshot.createdAt}`,
    });
    const server = await NbdServer.listen(disk, options.nbd, { onReadError: tellOnce(output) });
    try {
      warnIfOpen(options.nbd, output);
      const uri = uriOf(options.nbd, server.port);
      const id = snapshot.images.length === 1 ? snapshot.id : disk.name;
      const result: ServeResult = { id, uri, sizeBytes: image.sizeBytes };
      output.result(result, () => inWords(result));
      await aborted(signal);
    } finally {
      await server.close();
    }
  });
  return EXIT.ok;
}

function diskOf(bytes: ImageBytes, names: Pick<NbdDisk, "name" | "description">): NbdDisk {
  return {
    ...names,
    sizeBytes: bytes.sizeBytes,
    read: (offsetBytes, into) => bytes.read(offsetBytes, into),
    zeroRuns: (offsetBytes, lengthBytes, runsMax) => bytes.zeroRuns(offsetBytes, lengthBytes, runsMax),
  };
}

function tellOnce(output: Output): (error: unknown) => void {
  const told = new Set<string>();
  return (error) => {
    const { code, message } = failureReportOf(error);
    if (told.has(message) || told.size >= FAILURES_TOLD_MAX) return;
    told.add(message);
    output.notice(code, message);
  };
}

function warnIfOpen(address: NbdAddress, output: Output): void {
  if (address.kind === "unix" || isLoopback(address.host)) return;
  output.notice(
    "not-protected",
    `Whoever reaches ${address.host} can read the whole partition, unencrypted and without a password.`,
  );
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function uriOf(address: NbdAddress, port: number | null): string {
  if (address.kind === "unix")
    return `nbd+unix:///?socket=${encodeURIComponent(address.path).replaceAll("%2F", "/")}`;
  const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host;
  return `nbd://${host}:${port ?? address.port}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function inWords({ id, uri, sizeBytes }: ServeResult): string {
  return `Serving ${id} (${formatBytes(sizeBytes)}, read-only) at ${uri}. Stop with Ctrl-C.`;
}

/** "unix:/run/pc01.sock", "tcp:127.0.0.1:10809", "tcp:[::1]:0". */
function parseAddress(text: string): NbdAddress {
  if (text.startsWith("unix:") && text.length > "unix:".length) {
    const path = resolve(text.slice("unix:".length));
    if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX)
      throw new InvalidArgumentError(`The path of a socket may have at most ${SOCKET_PATH_BYTES_MAX} bytes.`);
    return { kind: "unix", path };
  }
  const match = /^tcp:(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host !== undefined && port <= 65535) return { kind: "tcp", host, port };
  throw new InvalidArgumentError("It must be unix:PATH or tcp:HOST:PORT.");
}
