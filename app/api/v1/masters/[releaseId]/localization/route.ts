import { DeclareLocalizationInput, declareLocalization } from "#lib/commands/declare-localization.ts";
import { SpecDeclared } from "#lib/queries/api/answers/masters.ts";
import { routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";

/** A recipe may bring a file along. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

export const PUT = routeOf(
  {
    path: "/api/v1/masters/{releaseId}/localization",
    summary: "Declare what makes copies of a release differ",
    permission: "localize",
    input: DeclareLocalizationInput,
    bodyBytesMax: BODY_BYTES_MAX,
    answer: SpecDeclared,
  },
  ({ viewer, input }) => declareLocalization(viewer, input),
);
