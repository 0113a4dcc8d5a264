// The viewer of a page or a server action. Next's half of request-viewer.ts: workers and tests must not import it.
import "server-only";
import { headers } from "next/headers";
import { redirect } from "next/navigation";
import { type Viewer, viewerFromRequest } from "./request-viewer.ts";

export type { Viewer } from "./request-viewer.ts";

/** Leads to the sign-in page when nobody is signed in. */
export async function requireViewer(): Promise<Viewer> {
  const viewer = await viewerFromRequest(await headers());
  if (viewer === null) redirect("/sign-in");
  return viewer;
}
