-- AlterEnum
ALTER TYPE "JobKind" ADD VALUE 'clone';

-- AlterTable
ALTER TABLE "tasks" ADD COLUMN     "diskMap" JSONB;
