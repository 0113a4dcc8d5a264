-- AlterTable
ALTER TABLE "tasks" ADD COLUMN     "chain" JSONB;
