"use server";

// Clicks that make, check or pin snapshots. Each parses, hands the wish to its command, and leads to the job's page.
import { redirect } from "next/navigation";
import { z } from "zod";
import type { FormState } from "#components/ui/form-state.ts";
import { requireViewer } from "#lib/auth/viewer.ts";
import { pinSnapshot, unpinSnapshot } from "#lib/commands/pin-snapshot.ts";
import { snapshotClassroom } from "#lib/commands/snapshot-classroom.ts";
import { snapshotNode } from "#lib/commands/snapshot-node.ts";
import { verifyRepository } from "#lib/commands/verify-repository.ts";
import { answer, parseForm } from "./answer.ts";

const requestId = z.uuid();
const comment = z.string().trim().max(500).optional();
const word = z.string().max(64).optional();
const storage = { technique: word, compression: word, base: word };
const NodeForm = z.object({ requestId, comment, nodeId: z.string().max(64), ...storage });
const ClassroomForm = z.object({ requestId, comment, groupId: z.string().max(64), ...storage });
const UnpinForm = z.object({ requestId, snapshotId: z.string().max(64) });
const PinForm = UnpinForm.extend({ reason: z.string().max(2048) });
const VerifyForm = z.object({ requestId, snapshotId: z.string().max(64).optional() });

export async function snapshotNodeAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { jobId } = await snapshotNode(viewer, parseForm(NodeForm, form));
    redirect(`/jobs/${jobId}`);
  });
}

export async function snapshotClassroomAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { jobId } = await snapshotClassroom(viewer, parseForm(ClassroomForm, form));
    redirect(`/jobs/${jobId}`);
  });
}

export async function verifyAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { jobId } = await verifyRepository(viewer, parseForm(VerifyForm, form));
    redirect(`/jobs/${jobId}`);
  });
}

export async function pinAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { jobId } = await pinSnapshot(viewer, parseForm(PinForm, form));
    redirect(`/jobs/${jobId}`);
  });
}

export async function unpinAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { jobId } = await unpinSnapshot(viewer, parseForm(UnpinForm, form));
    redirect(`/jobs/${jobId}`);
  });
}
