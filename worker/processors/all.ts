// Which processor carries out which kind of job: complete, so that a new kind does not compile until someone has decided.
import type { WorkerContext } from "../run-job.ts";
import { processEvaluate } from "./evaluate.ts";
import { processGc } from "./gc.ts";
import { processPin } from "./pin.ts";
import { processPrune } from "./prune.ts";
import { processReSegment } from "./re-segment.ts";
import { processRestore } from "./restore.ts";
import { processScanTokens } from "./scan-tokens.ts";
import { processScrub } from "./scrub.ts";
import { processSnapshot } from "./snapshot.ts";
import { processVerify } from "./verify.ts";

export const PROCESSORS: WorkerContext["processors"] = {
  "snapshot-node": processSnapshot,
  "snapshot-classroom": processSnapshot,
  "restore-node": processRestore,
  "roll-back-classroom": processRestore,
  clone: processRestore,
  localize: processSnapshot,
  verify: processVerify,
  evaluate: processEvaluate,
  prune: processPrune,
  gc: processGc,
  scrub: processScrub,
  "re-segment": processReSegment,
  pin: processPin,
  "scan-tokens": processScanTokens,
};
