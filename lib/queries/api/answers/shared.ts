// Words that several answers of the API are made of. Schemas here describe what queries and commands answer: a handler whose answer
// does not have the schema's type does not compile, tests check the rest, and the OpenAPI document is made of them.
import { z } from "zod";
import { FAILURE_CODES } from "#lib/model/errors.ts";

export const Moment = z.iso.datetime().describe("UTC, ISO 8601.");
export const ByteCount = z.number().int().min(0).describe("Bytes.");
export const Count = z.number().int().min(0);

export const Failure = z
  .object({
    code: z.enum(FAILURE_CODES).describe("For programs; docs/failure-codes.md explains each."),
    message: z.string(),
    hint: z.string().nullable().describe("What to do next."),
  })
  .meta({ id: "Failure" });

export const JobMade = z
  .object({ jobId: z.string().describe("Follow it at /api/v1/jobs/{jobId}.") })
  .meta({ id: "JobMade" });

/** Nothing to say but that it is done. */
export const Done = z.object({});

/** What every failing call answers, as application/problem+json. */
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.enum(FAILURE_CODES).describe("Stable, for programs; docs/failure-codes.md explains each."),
    detail: z.string(),
    hint: z.string().nullable().describe("What to do next, when we know."),
  })
  .meta({ id: "Problem", description: "RFC 9457 problem details." });
