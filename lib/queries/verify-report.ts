// Reads a stored verification report. It was written by a worker that may be older or newer than this app, so what is
// missing or strange is left out rather than trusted.
import { z } from "zod";

const VerifyReportRow = z.object({
  snapshotCount: z.number(),
  imageCount: z.number(),
  packCount: z.number(),
  checkedBytes: z.number(),
  seconds: z.number(),
  findings: z
    .array(
      z.object({
        snapshotId: z.string().nullish(),
        partition: z.string().nullish(),
        file: z.string(),
        code: z.string(),
        message: z.string(),
      }),
    )
    .default([]),
});
export type VerifyFindings = z.infer<typeof VerifyReportRow>;

export function readVerifyReport(report: unknown): VerifyFindings | null {
  const parsed = VerifyReportRow.safeParse(report);
  return parsed.success ? parsed.data : null;
}
