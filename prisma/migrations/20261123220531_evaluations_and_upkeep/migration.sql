-- AlterEnum
-- This migration adds more than one value to an enum.
-- With PostgreSQL versions 11 and earlier, this is not possible
-- in a single migration. This can be worked around by creating
-- multiple migrations, each migration adding only one value to
-- the enum.


ALTER TYPE "JobKind" ADD VALUE 'evaluate';
ALTER TYPE "JobKind" ADD VALUE 'prune';
ALTER TYPE "JobKind" ADD VALUE 'gc';
ALTER TYPE "JobKind" ADD VALUE 'scrub';

-- AlterEnum
-- This migration adds more than one value to an enum.
-- With PostgreSQL versions 11 and earlier, this is not possible
-- in a single migration. This can be worked around by creating
-- multiple migrations, each migration adding only one value to
-- the enum.


ALTER TYPE "TaskKind" ADD VALUE 'evaluate';
ALTER TYPE "TaskKind" ADD VALUE 'prune';
ALTER TYPE "TaskKind" ADD VALUE 'gc';
ALTER TYPE "TaskKind" ADD VALUE 'scrub';

-- AlterTable
ALTER TABLE "repositories" ADD COLUMN     "compression" TEXT NOT NULL DEFAULT 'zstd',
ADD COLUMN     "retention" JSONB,
ADD COLUMN     "technique" TEXT NOT NULL DEFAULT 'repository';

-- AlterTable
ALTER TABLE "snapshots" ADD COLUMN     "compression" TEXT;

-- AlterTable
ALTER TABLE "partition_images" ADD COLUMN     "baseId" TEXT;

-- CreateTable
CREATE TABLE "evaluations" (
    "id" TEXT NOT NULL,
    "repositoryId" TEXT NOT NULL,
    "jobId" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finishedAt" TIMESTAMP(3),
    "request" JSONB NOT NULL,

    CONSTRAINT "evaluations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "evaluation_rows" (
    "evaluationId" TEXT NOT NULL,
    "blockSize" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "snapshotId" TEXT NOT NULL,
    "technique" TEXT NOT NULL,
    "compression" TEXT NOT NULL,
    "dataBytes" BIGINT NOT NULL,
    "metadataBytes" BIGINT NOT NULL,
    "totalBytes" BIGINT NOT NULL,
    "incrementBytes" BIGINT NOT NULL,

    CONSTRAINT "evaluation_rows_pkey" PRIMARY KEY ("evaluationId","blockSize","position")
);

-- CreateIndex
CREATE UNIQUE INDEX "evaluations_jobId_key" ON "evaluations"("jobId");

-- CreateIndex
CREATE INDEX "evaluations_repositoryId_createdAt_idx" ON "evaluations"("repositoryId", "createdAt");

-- AddForeignKey
ALTER TABLE "evaluations" ADD CONSTRAINT "evaluations_repositoryId_fkey" FOREIGN KEY ("repositoryId") REFERENCES "repositories"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "evaluations" ADD CONSTRAINT "evaluations_jobId_fkey" FOREIGN KEY ("jobId") REFERENCES "jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "evaluation_rows" ADD CONSTRAINT "evaluation_rows_evaluationId_fkey" FOREIGN KEY ("evaluationId") REFERENCES "evaluations"("id") ON DELETE CASCADE ON UPDATE CASCADE;
