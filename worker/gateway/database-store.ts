// The gateway's store in production: the functions of lib/db, as they are.
import { findLeased } from "#lib/db/leased-task.ts";
import { findLocalization, findMasterLocalization } from "#lib/db/localizations.ts";
import { enrolNode, findNodeByKeyHash, recordHello, touchNode } from "#lib/db/nodes.ts";
import { subscribe } from "#lib/db/notify.ts";
import { findBandwidthRules } from "#lib/db/settings.ts";
import { recordSnapshot } from "#lib/db/snapshots.ts";
import {
  addTaskEvent,
  cancelTask,
  failTask,
  finishTask,
  heartbeatTask,
  leaseTask,
  loseAgent,
  noteChainPlace,
  runningTaskOfNode,
} from "#lib/db/tasks.ts";
import type { GatewayStore } from "./store.ts";

export const databaseStore: GatewayStore = {
  findNodeByKeyHash,
  enrolNode,
  recordHello,
  touchNode,
  leaseTask,
  findLeased,
  findLocalization: async (localizationId, snapshotId) => {
    const localization = await findLocalization(localizationId);
    const master = await findMasterLocalization(snapshotId);
    return localization === null || master === null ? null : { localization, master };
  },
  runningTaskOfNode,
  heartbeatTask,
  finishTask,
  failTask,
  cancelTask,
  loseAgent,
  noteChainPlace,
  addTaskEvent,
  recordSnapshot,
  bandwidthRules: findBandwidthRules,
  subscribeTasks: (onNode) => subscribe("tasks", onNode),
};
