-- A snapshot that classrooms are made of, with the line that says what is new in it.
CREATE TABLE "releases" (
    "id" TEXT NOT NULL,
    "requestId" TEXT NOT NULL,
    "masterName" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "snapshotId" TEXT NOT NULL,
    "note" TEXT NOT NULL,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "releases_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "releases_requestId_key" ON "releases"("requestId");
CREATE UNIQUE INDEX "releases_snapshotId_key" ON "releases"("snapshotId");
CREATE UNIQUE INDEX "releases_masterName_number_key" ON "releases"("masterName", "number");
ALTER TABLE "releases" ADD CONSTRAINT "releases_snapshotId_fkey" FOREIGN KEY ("snapshotId") REFERENCES "snapshots"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What administrators choose for the whole server, by key.
CREATE TABLE "settings" (
    "key" TEXT NOT NULL,
    "value" JSONB NOT NULL,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "settings_pkey" PRIMARY KEY ("key")
);
