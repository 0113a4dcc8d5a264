// The agent's command line, parsed once.
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { CodedError } from "#lib/model/errors.ts";
import { SHEEPFOLD_VERSION } from "#lib/model/version.ts";
import { parseFingerprint } from "#lib/protocol/certificate.ts";
import type { GatewayAddress } from "./pinned-connection.ts";

export const USAGE = `sheepfold-agent ${SHEEPFOLD_VERSION}: archives and restores this PC's disks for a Sheepfold server.

  --server https://HOST:PORT      the server's gateway
  --fingerprint sha256:HEX        its certificate's fingerprint; the worker prints it at start
  --state FOLDER                  where this PC keeps its key pair (made at first start)
  --name NAME                     what this PC would like to be called (default: its host name)
  --enrolment-key-file FILE       approves this PC without a click, if the key in FILE is valid
  --disk PATH                     a disk or disk image to take care of; may be repeated
                                  (default: all fixed disks of this PC)
  --help                          this text
`;

export interface AgentOptions {
  readonly server: GatewayAddress;
  readonly stateFolder: string;
  readonly name: string;
  readonly enrolmentKey: string | null;
  /** Null: all fixed disks. */
  readonly diskPaths: readonly string[] | null;
}

/** Null when help was asked for. */
export function parseOptions(args: readonly string[]): AgentOptions | null {
  const values = parse(args);
  if (values.help === true) return null;
  const keyFile = values["enrolment-key-file"];
  return {
    server: addressOf(required(values, "server"), required(values, "fingerprint")),
    stateFolder: required(values, "state"),
    name: values.name ?? hostname(),
    enrolmentKey: keyFile === undefined ? null : readKey(keyFile),
    diskPaths: values.disk ?? null,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        server: { type: "string" },
        fingerprint: { type: "string" },
        state: { type: "string" },
        name: { type: "string" },
        "enrolment-key-file": { type: "string" },
        disk: { type: "string", multiple: true },
        help: { type: "boolean" },
      },
    }).values;
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : String(cause));
  }
}

function required(values: ReturnType<typeof parse>, name: "server" | "fingerprint" | "state"): string {
  const value = values[name];
  if (value === undefined || value === "") throw invalid(`--${name} is missing.`);
  return value;
}

function addressOf(server: string, fingerprintText: string): GatewayAddress {
  const fingerprint = parseFingerprint(fingerprintText);
  if (fingerprint === null) throw invalid(`--fingerprint ${fingerprintText} is not a SHA-256 fingerprint.`);
  const url = URL.canParse(server) ? new URL(server) : null;
  if (url?.protocol !== "https:" || url.port === "")
    throw invalid(`--server ${server} is not https://HOST:PORT.`);
  // URL keeps the brackets of an IPv6 address; a socket wants it without.
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port), fingerprint };
}

function readKey(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw new CodedError("environment-invalid", `The enrolment key file ${path} cannot be read.`, {
      hint: "Check the path and permissions, or leave --enrolment-key-file out and approve the PC by hand.",
      cause,
    });
  }
}

function invalid(message: string): CodedError {
  return new CodedError("environment-invalid", message, {
    hint: "Run the agent with --help for its options.",
  });
}
