import { ChooseBandwidthInput, chooseBandwidth, showBandwidth } from "#lib/commands/choose-bandwidth.ts";
import { parseInput } from "#lib/commands/input.ts";
import { bodyOf, routeOf } from "../route-of.ts";

export const runtime = "nodejs";
export const GET = routeOf((viewer) => showBandwidth(viewer));
export const PUT = routeOf(async (viewer, request) =>
  chooseBandwidth(viewer, parseInput(ChooseBandwidthInput, await bodyOf(request))),
);
