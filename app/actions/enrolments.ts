"use server";

// Clicks that let PCs in: classrooms, approvals, refusals, enrolment keys.
import { refresh } from "next/cache";
import { z } from "zod";
import type { FormState } from "#components/ui/form-state.ts";
import { requireViewer } from "#lib/auth/viewer.ts";
import { approveNode } from "#lib/commands/approve-node.ts";
import { createEnrolmentKey } from "#lib/commands/create-enrolment-key.ts";
import { createGroup } from "#lib/commands/create-group.ts";
import { refuseNode } from "#lib/commands/refuse-node.ts";
import { revokeEnrolmentKey } from "#lib/commands/revoke-enrolment-key.ts";
import { answer, parseForm } from "./answer.ts";

const id = z.string().max(64);
const name = z.string().trim().min(1, "a name is needed").max(64);
const ApproveForm = z.object({ nodeId: id, name, groupId: id });
const RefuseForm = z.object({ nodeId: id });
const GroupForm = z.object({ name });
const KeyForm = z.object({ name, groupId: id.optional() });
const RevokeKeyForm = z.object({ keyId: id });

export async function approveNodeAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const input = parseForm(ApproveForm, form);
    await approveNode(viewer, input);
    refresh();
    return { status: "done", message: `${input.name} is in.` };
  });
}

export async function refuseNodeAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    await refuseNode(viewer, parseForm(RefuseForm, form));
    refresh();
    return { status: "done", message: "Refused." };
  });
}

export async function createGroupAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const input = parseForm(GroupForm, form);
    await createGroup(viewer, input);
    refresh();
    return { status: "done", message: `Classroom ${input.name} is there.` };
  });
}

export async function createEnrolmentKeyAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { secret } = await createEnrolmentKey(viewer, parseForm(KeyForm, form));
    refresh();
    return { status: "done", message: "Copy the key now: it is shown only once.", secret };
  });
}

export async function revokeEnrolmentKeyAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    await revokeEnrolmentKey(viewer, parseForm(RevokeKeyForm, form));
    refresh();
    return { status: "done", message: "Revoked." };
  });
}
