import { DeclareLocalizationInput, declareLocalization } from "#lib/commands/declare-localization.ts";
import { parseInput } from "#lib/commands/input.ts";
import { bodyOf, routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";
export const PUT = routeOf<{ releaseId: string }>(async (viewer, request, { releaseId }) =>
  declareLocalization(
    viewer,
    parseInput(DeclareLocalizationInput, { ...(await bodyOf(request)), releaseId }),
  ),
);
