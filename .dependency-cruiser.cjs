// The arrows of ARCHITECTURE.md as errors: who may import whom. Type-only imports count too.
const ours = "^(app|components|lib|worker|agent|bin|bench|prisma|e2e)/";
const testFile = "\\.test\\.tsx?$";

/** `who` may import itself and `allowed`, nothing else of ours. Tests may reach further. */
const mayUse = (who, allowed, comment) => ({
  name: `${who.replaceAll("/", "-")}-may-use`,
  severity: "error",
  comment,
  from: { path: `^${who}/`, pathNot: testFile },
  to: { path: ours, pathNot: [who, ...allowed].map((folder) => `^${folder}(/|\\.ts$)`) },
});

/** A library lives in one folder, so that it can be replaced or faked in one place. */
const onlyIn = (library, homes) => ({
  name: `${library.replaceAll("/", "-")}-only-in-${homes[0].replaceAll("/", "-")}`,
  severity: "error",
  comment: `Import ${library} only inside ${homes.join(", ")}.`,
  from: { pathNot: [...homes.map((home) => `^${home}`), testFile] },
  to: { path: `node_modules/${library}/` },
});

module.exports = {
  forbidden: [
    mayUse("lib/model", [], "The model is pure words and imports nothing of ours."),
    {
      name: "lib-model-imports-nothing",
      severity: "error",
      comment: "The model imports no library and no Node module either.",
      from: { path: "^lib/model/", pathNot: testFile },
      to: { dependencyTypes: ["core", "npm"] },
    },
    mayUse("lib/page", ["lib/model"], "A page is pure bytes; both ends of the wire share it."),
    mayUse("lib/protocol", ["lib/model", "lib/page"], "Messages speak of the model and carry pages."),
    mayUse(
      "lib/chain",
      ["lib/model", "lib/page", "lib/protocol"],
      "Who feeds whom is decided without sockets, disks or clocks.",
    ),
    mayUse(
      "lib/localize",
      ["lib/model", "lib/page", "lib/protocol"],
      "What makes copies differ is bytes and values; it knows no rows.",
    ),
    mayUse("lib/image", ["lib/model", "lib/page"], "Image formats are bytes; they know no repository."),
    mayUse("lib/nbd", ["lib/model"], "A disk to serve is handed in; NBD knows no repository."),
    mayUse("lib/engine", ["lib/model", "lib/page"], "The engine knows no people, jobs, HTTP or SQL."),
    {
      name: "engine-imports-only-node",
      severity: "error",
      comment: "The engine stands on node:* alone.",
      from: { path: "^lib/engine/", pathNot: testFile },
      to: { dependencyTypes: ["npm", "npm-dev", "npm-optional", "npm-peer"] },
    },
    mayUse("lib/db", ["lib/model", "lib/env"], "Rows become model types here and go no further."),
    mayUse("lib/queue", ["lib/model", "lib/env"], "A queue carries tickets."),
    mayUse("lib/schedule", ["lib/model"], "When something is due is decided without rows, queues or clocks."),
    mayUse("lib/delivery", ["lib/model"], "Mail and posts; what is said and to whom comes in."),
    mayUse(
      "lib/automation",
      [
        ...["lib/model", "lib/schedule", "lib/delivery"],
        ...["lib/auth", "lib/commands", "lib/db", "lib/queue", "lib/env"],
      ],
      "A schedule presses the buttons of whoever made it: it is the worker's way to commands.",
    ),
    mayUse("lib/auth", ["lib/model", "lib/db", "lib/env"], "Who is asking, and what they may do."),
    ...["lib/commands", "lib/queries"].map((who) =>
      mayUse(
        who,
        [
          ...["lib/model", "lib/protocol", "lib/localize", "lib/schedule", "lib/delivery"],
          ...["lib/auth", "lib/db", "lib/queue", "lib/env"],
        ],
        "What a person may do or see.",
      ),
    ),
    mayUse("components", ["lib/model"], "Components get data as props and draw it."),
    mayUse(
      "app",
      ["components", "lib/model", "lib/auth", "lib/commands", "lib/queries", "lib/env"],
      "The app never opens packs, rows or queues.",
    ),
    mayUse(
      "agent",
      ["lib/model", "lib/page", "lib/protocol", "lib/chain"],
      "The agent touches disks; it never sees the database or a pack.",
    ),
    mayUse(
      "worker",
      [
        ...["lib/model", "lib/page", "lib/protocol", "lib/chain", "lib/localize", "lib/engine"],
        ...["lib/db", "lib/queue", "lib/auth", "lib/env", "lib/automation"],
      ],
      "The worker is headless: no pages, and commands only in the name of a schedule's maker.",
    ),
    {
      name: "engine-by-its-front-door",
      severity: "error",
      comment: "Import lib/engine/repository.ts, not its insides.",
      from: { pathNot: ["^lib/engine/", testFile] },
      to: { path: "^lib/engine/", pathNot: "^lib/engine/repository\\.ts$" },
    },
    {
      name: "no-cycles",
      severity: "error",
      comment: "Two files that need each other are one file, or three.",
      from: {},
      to: { circular: true },
    },
    onlyIn("bullmq", ["lib/queue"]),
    onlyIn("cron-parser", ["lib/schedule"]),
    onlyIn("ical.js", ["lib/schedule"]),
    onlyIn("nodemailer", ["lib/delivery"]),
    onlyIn("@prisma/client", ["lib/db"]),
    onlyIn("@prisma/adapter-pg", ["lib/db", "prisma/"]),
    onlyIn("next", ["app", "components", "lib/auth", "bin/stack", "next.config.js", "proxy.ts"]),
    onlyIn("react", ["app", "components"]),
    {
      name: "generated-client-only-in-lib-db",
      severity: "error",
      comment: "Prisma's client is entered by lib/db alone.",
      from: { pathNot: "^lib/db/" },
      to: { path: "^lib/db/generated/" },
    },
    {
      name: "resolvable",
      severity: "error",
      comment: "An import that resolves to nothing.",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(\\.next|lib/db/generated/internal|node_modules/\\.cache)/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
      extensions: [".ts", ".tsx", ".js", ".mjs"],
    },
  },
};
