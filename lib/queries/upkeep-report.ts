// Reads the stored reports of jobs on the repository. They were written by a worker that may be older or newer than this
// app, so what is missing or strange is left out rather than trusted.
import { z } from "zod";
import type { RepositoryJobKind } from "#lib/model/job.ts";

const GcReport = z.object({
  isPlan: z.boolean().default(false),
  plan: z
    .object({
      packCount: z.number(),
      packBytes: z.number(),
      deadPackCount: z.number(),
      deadPackBytes: z.number(),
      mixedDeadBytes: z.number(),
    })
    .nullable(),
  removedPackCount: z.number(),
  freedBytes: z.number(),
  isFinished: z.boolean().default(true),
});
const ScrubReport = z.object({
  packCount: z.number(),
  checkedPackCount: z.number(),
  checkedBytes: z.number(),
  uncheckedPackCount: z.number(),
  findings: z.array(
    z.object({
      file: z.string(),
      message: z.string(),
      affected: z.array(z.object({ snapshotId: z.string(), partition: z.string(), pageCount: z.number() })),
    }),
  ),
});
const PruneReport = z.object({
  decisions: z.array(
    z.object({
      snapshotId: z.string(),
      node: z.string(),
      verdict: z.enum(["keep", "drop"]),
      reasons: z.array(z.string()),
    }),
  ),
  removedIds: z.array(z.string()),
});
const ReSegmentReport = z.object({
  packCount: z.number(),
  bytesBefore: z.number(),
  bytesAfter: z.number(),
  leftPackCount: z.number(),
});
const PinReport = z.object({ snapshotId: z.string(), reason: z.string().nullable() });
const ScanTokensReport = z.object({ tokenCount: z.number() });
const EvaluateReport = z.object({ rowCount: z.number() });
const VerifyCounts = z.object({
  snapshotCount: z.number(),
  checkedBytes: z.number(),
  findings: z.array(z.unknown()),
});

export type UpkeepReport =
  | ({ readonly kind: "gc" } & z.infer<typeof GcReport>)
  | ({ readonly kind: "scrub" } & z.infer<typeof ScrubReport>)
  | ({ readonly kind: "prune" } & z.infer<typeof PruneReport>)
  | ({ readonly kind: "re-segment" } & z.infer<typeof ReSegmentReport>)
  | ({ readonly kind: "pin" } & z.infer<typeof PinReport>)
  | ({ readonly kind: "scan-tokens" } & z.infer<typeof ScanTokensReport>)
  | ({ readonly kind: "evaluate" } & z.infer<typeof EvaluateReport>)
  | ({ readonly kind: "verify" } & z.infer<typeof VerifyCounts>);

export function readUpkeepReport(kind: RepositoryJobKind, report: unknown): UpkeepReport | null {
  switch (kind) {
    case "gc":
      return tagged("gc", GcReport.safeParse(report).data);
    case "scrub":
      return tagged("scrub", ScrubReport.safeParse(report).data);
    case "prune":
      return tagged("prune", PruneReport.safeParse(report).data);
    case "re-segment":
      return tagged("re-segment", ReSegmentReport.safeParse(report).data);
    case "pin":
      return tagged("pin", PinReport.safeParse(report).data);
    case "scan-tokens":
      return tagged("scan-tokens", ScanTokensReport.safeParse(report).data);
    case "evaluate":
      return tagged("evaluate", EvaluateReport.safeParse(report).data);
    case "verify":
      return tagged("verify", VerifyCounts.safeParse(report).data);
  }
}

function tagged<Kind extends string, Report extends object>(
  kind: Kind,
  report: Report | undefined,
): ({ readonly kind: Kind } & Report) | null {
  return report === undefined ? null : { kind, ...report };
}
