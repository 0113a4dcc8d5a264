// npm run check: format, types, lint, import arrows, dead code and fast tests: everything that needs no servers.
import { CHECK_STEPS, runSteps } from "./check-steps.ts";

process.exit(runSteps(CHECK_STEPS).failed === 0 ? 0 : 1);
