// The settings page: one's own API tokens, and the enrolment keys.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import {
  type ApiTokenRow,
  type EnrolmentKeyRow,
  listApiTokenRows,
  listEnrolmentKeyRows,
} from "#lib/db/account-views.ts";
import { type GroupRow, listGroupRows } from "#lib/db/group-views.ts";
import { findBandwidthRules } from "#lib/db/settings.ts";
import type { BandwidthRules } from "#lib/model/bandwidth.ts";

export interface SettingsView {
  readonly tokens: readonly ApiTokenRow[];
  readonly keys: readonly EnrolmentKeyRow[];
  readonly groups: readonly GroupRow[];
  readonly bandwidth: BandwidthRules;
}

export async function settingsView(viewer: Viewer): Promise<SettingsView> {
  permit(viewer, "read");
  const [tokens, keys, groups, bandwidth] = await Promise.all([
    listApiTokenRows(viewer.id),
    listEnrolmentKeyRows(),
    listGroupRows(),
    findBandwidthRules(),
  ]);
  return { tokens, keys, groups, bandwidth };
}
