import { ChooseBandwidthInput, chooseBandwidth, showBandwidth } from "#lib/commands/choose-bandwidth.ts";
import { Bandwidth } from "#lib/queries/api/answers/storage.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/bandwidth",
    summary: "Show how much of the network the server may take, and when",
    permission: "read",
    answer: Bandwidth,
  },
  ({ viewer }) => showBandwidth(viewer),
);

export const PUT = routeOf(
  {
    path: "/api/v1/bandwidth",
    summary: "Choose how much of the network the server may take, and when",
    permission: "manage-network",
    input: ChooseBandwidthInput,
    answer: Bandwidth,
  },
  ({ viewer, input }) => chooseBandwidth(viewer, input),
);
