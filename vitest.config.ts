// Two kinds of tests. "unit": fast, no servers, part of `npm run check`. "integration": real Postgres and Redis, real
// processes, mounts where root; files are named *.integration.test.ts and share the servers bin/stack starts once.
import { defineConfig } from "vitest/config";

const everywhere = ["node_modules/**", ".next/**", ".sheepfold/**", "e2e/**"];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["**/*.test.ts"],
          exclude: [...everywhere, "**/*.integration.test.ts"],
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: "integration",
          include: ["**/*.integration.test.ts"],
          exclude: everywhere,
          globalSetup: "bin/stack/vitest-global-setup.ts",
          testTimeout: 180_000,
          hookTimeout: 120_000,
          // The files start processes of their own; side by side on two cores they would only time each other out.
          fileParallelism: false,
        },
      },
    ],
  },
});
