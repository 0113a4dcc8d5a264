// A ticket says only which job there is. All else is read from the row when it is claimed, so a ticket may be late, lost
// or delivered twice.
import { z } from "zod";

export const Ticket = z.object({ jobId: z.string().min(1).max(64) });
export type Ticket = z.infer<typeof Ticket>;
