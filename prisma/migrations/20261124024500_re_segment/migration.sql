-- AlterEnum
ALTER TYPE "JobKind" ADD VALUE 're-segment';

-- AlterEnum
ALTER TYPE "TaskKind" ADD VALUE 're-segment';
