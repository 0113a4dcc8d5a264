-- CreateEnum
CREATE TYPE "VariableScope" AS ENUM ('global', 'classroom', 'node');

-- AlterEnum
-- This migration adds more than one value to an enum.
-- With PostgreSQL versions 11 and earlier, this is not possible
-- in a single migration. This can be worked around by creating
-- multiple migrations, each migration adding only one value to
-- the enum.


ALTER TYPE "JobKind" ADD VALUE 'localize';
ALTER TYPE "JobKind" ADD VALUE 'scan-tokens';

-- AlterEnum
-- This migration adds more than one value to an enum.
-- With PostgreSQL versions 11 and earlier, this is not possible
-- in a single migration. This can be worked around by creating
-- multiple migrations, each migration adding only one value to
-- the enum.


ALTER TYPE "TaskKind" ADD VALUE 'localize';
ALTER TYPE "TaskKind" ADD VALUE 'scan-tokens';

-- AlterTable
ALTER TABLE "releases" ADD COLUMN     "scan" JSONB,
ADD COLUMN     "scannedAt" TIMESTAMP(3),
ADD COLUMN     "spec" JSONB;

-- AlterTable
ALTER TABLE "tasks" ADD COLUMN     "localizationId" TEXT,
ADD COLUMN     "position" INTEGER NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "variable_names" (
    "name" TEXT NOT NULL,
    "isSecret" BOOLEAN NOT NULL DEFAULT false,
    "isUnique" BOOLEAN NOT NULL DEFAULT false,
    "note" TEXT NOT NULL DEFAULT '',
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "variable_names_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "variable_values" (
    "name" TEXT NOT NULL,
    "scope" "VariableScope" NOT NULL,
    "scopeId" TEXT NOT NULL DEFAULT '',
    "value" TEXT,
    "sealed" TEXT,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    "updatedBy" TEXT NOT NULL,

    CONSTRAINT "variable_values_pkey" PRIMARY KEY ("name","scope","scopeId")
);

-- CreateTable
CREATE TABLE "identity_files" (
    "id" TEXT NOT NULL,
    "groupId" TEXT NOT NULL DEFAULT '',
    "path" TEXT NOT NULL,
    "template" TEXT NOT NULL,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    "updatedBy" TEXT NOT NULL,

    CONSTRAINT "identity_files_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "localizations" (
    "id" TEXT NOT NULL,
    "nodeId" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "content" JSONB NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "localizations_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "variable_values_scope_scopeId_idx" ON "variable_values"("scope", "scopeId");

-- CreateIndex
CREATE UNIQUE INDEX "identity_files_groupId_path_key" ON "identity_files"("groupId", "path");

-- CreateIndex
CREATE INDEX "localizations_nodeId_createdAt_idx" ON "localizations"("nodeId", "createdAt");

-- AddForeignKey
ALTER TABLE "variable_values" ADD CONSTRAINT "variable_values_name_fkey" FOREIGN KEY ("name") REFERENCES "variable_names"("name") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "localizations" ADD CONSTRAINT "localizations_nodeId_fkey" FOREIGN KEY ("nodeId") REFERENCES "nodes"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_localizationId_fkey" FOREIGN KEY ("localizationId") REFERENCES "localizations"("id") ON DELETE SET NULL ON UPDATE CASCADE;
