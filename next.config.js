// Next.js settings; a line that is not a default says why.

/** @type {import("next").NextConfig} */
const config = {
  // Several stacks (tests, demo, dev) may build side by side from one checkout.
  distDir: process.env.NEXT_DIST_DIR ?? ".next",
  // The client and its driver load files of their own at run time; bundling would lose them.
  serverExternalPackages: [
    ...[
      "pg",
      "postgres",
      "bullmq",
      "ioredis",
      "@prisma/adapter-pg",
      "@prisma/client",
      "nodemailer",
      "prom-client",
    ],
  ],
  // `npm run check` runs tsc over everything; the build need not do it a second time.
  typescript: { ignoreBuildErrors: true },
  poweredByHeader: false,
  // Self-contained output for the container image.
  output: process.env.NEXT_OUTPUT === "standalone" ? "standalone" : undefined,
  headers: async () => [
    {
      source: "/:path*",
      headers: [
        { key: "X-Content-Type-Options", value: "nosniff" },
        { key: "X-Frame-Options", value: "DENY" },
        { key: "Referrer-Policy", value: "same-origin" },
      ],
    },
  ],
};

export default config;
