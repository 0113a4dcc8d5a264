// The environment, read once and checked: every variable Sheepfold understands is in this list and in .env.example.
// A wrong value stops the process at its start with the variable's name, not an hour later with an odd symptom.
import { z } from "zod";
import { CodedError } from "#lib/model/errors.ts";

const url = (...protocols: string[]) =>
  z.string().refine((text) => protocols.some((protocol) => text.startsWith(`${protocol}://`)), {
    message: `must begin with ${protocols.map((protocol) => `${protocol}://`).join(" or ")}`,
  });

const Environment = z.object({
  DATABASE_URL: url("postgres", "postgresql"),
  REDIS_URL: url("redis", "rediss"),
  SHEEPFOLD_REPOSITORY: z.string().min(1).default(".sheepfold/repository"),
  /** Of an encrypted repository: one of the two. A repository that the worker makes is encrypted when one is set. */
  SHEEPFOLD_KEY_FILE: z.string().min(1).optional(),
  SHEEPFOLD_PASSPHRASE: z.string().min(8, "must have at least 8 characters").optional(),
  SHEEPFOLD_STATE: z.string().min(1).default(".sheepfold/state"),
  GATEWAY_HOST: z.string().min(1).default("0.0.0.0"),
  /** 0 takes any free port; the worker's ready line names it. */
  GATEWAY_PORT: z.coerce.number().int().min(0).max(65535).default(7443),
  BETTER_AUTH_SECRET: z.string().min(32, "must have at least 32 characters"),
  APP_URL: url("http", "https").default("http://localhost:3000"),
  SHEEPFOLD_ADMIN_EMAIL: z.email().default("admin@sheepfold.local"),
  /** How long a ready task waits for a silent node before it fails. */
  AGENT_WAIT_MS: z.coerce.number().int().min(1_000).default(120_000),
  /** Speeds of the lines, which decide how many chains a clone runs through side by side. */
  GATEWAY_LINE_MBIT: z.coerce.number().positive().default(1_000),
  PC_LINE_MBIT: z.coerce.number().positive().default(1_000),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
});
export type Environment = z.infer<typeof Environment>;
export type EnvironmentName = keyof Environment;
/** @public For the test that keeps .env.example complete. */
export const ENVIRONMENT_NAMES = Object.keys(Environment.shape) as readonly EnvironmentName[]; // the schema's own keys

const cache = new Map<string, Environment[EnvironmentName]>();

export function parseEnvironment(variables: Readonly<Record<string, string | undefined>>): Environment {
  const result = Environment.safeParse(withoutEmpty(variables));
  if (result.success) return result.data;
  throw invalid(result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`));
}

/** One variable, for code that needs no more: the app does not fail for want of the worker's. */
export function environment<Name extends EnvironmentName>(name: Name): Environment[Name] {
  const cached = cache.get(name);
  if (cached !== undefined) return cached as Environment[Name]; // stored below under the same name
  const result = Environment.shape[name].safeParse(withoutEmpty(process.env)[name]);
  if (!result.success) throw invalid(result.error.issues.map((issue) => `${name}: ${issue.message}`));
  cache.set(name, result.data);
  return result.data as Environment[Name]; // parsed by this name's own schema
}

/** Tests change the environment between cases. */
export function forgetEnvironment(): void {
  cache.clear();
}

/** A line `NAME=` in a file of variables means: not set. */
function withoutEmpty(
  variables: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ""));
}

function invalid(complaints: readonly string[]): CodedError {
  return new CodedError("environment-invalid", `The environment is not usable: ${complaints.join("; ")}.`, {
    hint: "Set the named variables; .env.example explains each.",
  });
}
