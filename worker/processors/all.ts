// Which processor carries out which kind of job: complete, so that a new kind does not compile until someone has decided.
import type { WorkerContext } from "../run-job.ts";
import { processEvaluate } from "./evaluate.ts";
import { processGc } from "./gc.ts";
import { processPcJob } from "./pc-job.ts";
import { processPin } from "./pin.ts";
import { processPrune } from "./prune.ts";
import { processReSegment } from "./re-segment.ts";
import { processScanTokens } from "./scan-tokens.ts";
import { processScrub } from "./scrub.ts";
import { processVerify } from "./verify.ts";

export const PROCESSORS: WorkerContext["processors"] = {
  "snapshot-node": processPcJob,
  "snapshot-classroom": processPcJob,
  "restore-node": processPcJob,
  "roll-back-classroom": processPcJob,
  clone: processPcJob,
  localize: processPcJob,
  verify: processVerify,
  evaluate: processEvaluate,
  prune: processPrune,
  gc: processGc,
  scrub: processScrub,
  "re-segment": processReSegment,
  pin: processPin,
  "scan-tokens": processScanTokens,
};
