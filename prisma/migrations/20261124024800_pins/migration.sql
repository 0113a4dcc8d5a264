-- AlterEnum
ALTER TYPE "JobKind" ADD VALUE 'pin';

-- AlterEnum
ALTER TYPE "TaskKind" ADD VALUE 'pin';

-- AlterTable
ALTER TABLE "snapshots" ADD COLUMN     "pinReason" TEXT,
ADD COLUMN     "pinnedAt" TIMESTAMP(3);
