// How a page gets its data: who is asking, then the query. Next hides messages of server errors from the browser, rightly;
// a failure we have a name for carries that name in its digest, so that the error page can say what to do.
import "server-only";
import { requireViewer, type Viewer } from "#lib/auth/viewer.ts";
import { CodedError } from "#lib/model/errors.ts";
import { CODED_DIGEST } from "./failure-words.ts";

export async function load<View>(query: (viewer: Viewer) => Promise<View>): Promise<View> {
  try {
    return await query(await requireViewer());
  } catch (thrown) {
    if (thrown instanceof CodedError) Object.assign(thrown, { digest: `${CODED_DIGEST}${thrown.code}` });
    throw thrown;
  }
}
