-- CreateEnum
CREATE TYPE "ScheduleKind" AS ENUM ('snapshot', 'roll-back', 'clone', 'localize', 'prune', 'gc', 'scrub', 're-segment', 'evaluate');

-- CreateEnum
CREATE TYPE "ScheduleTarget" AS ENUM ('classroom', 'nodes', 'repository');

-- CreateEnum
CREATE TYPE "ScheduleRunState" AS ENUM ('waiting', 'running', 'succeeded', 'partial', 'failed', 'skipped', 'cancelled');

-- CreateEnum
CREATE TYPE "RecipientKind" AS ENUM ('mail', 'webhook', 'push');

-- CreateEnum
CREATE TYPE "DeliveryState" AS ENUM ('pending', 'sending', 'sent', 'failed', 'uncertain');

-- CreateTable
CREATE TABLE "schedules" (
    "id" TEXT NOT NULL,
    "requestId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" "ScheduleKind" NOT NULL,
    "target" "ScheduleTarget" NOT NULL,
    "groupId" TEXT,
    "nodeIds" TEXT[],
    "parameters" JSONB NOT NULL,
    "cron" TEXT NOT NULL,
    "timeZone" TEXT NOT NULL,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "whenMissed" TEXT NOT NULL,
    "whenClosed" TEXT NOT NULL,
    "whenOver" TEXT NOT NULL,
    "canaryCount" INTEGER NOT NULL DEFAULT 0,
    "waveSize" INTEGER NOT NULL DEFAULT 0,
    "failPercentMax" INTEGER NOT NULL DEFAULT 100,
    "graceMinutes" INTEGER NOT NULL DEFAULT 60,
    "nextRunAt" TIMESTAMP(3),
    "createdBy" TEXT NOT NULL,
    "updatedBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    "removedAt" TIMESTAMP(3),

    CONSTRAINT "schedules_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "schedule_runs" (
    "id" TEXT NOT NULL,
    "scheduleId" TEXT NOT NULL,
    "plannedFor" TIMESTAMP(3) NOT NULL,
    "state" "ScheduleRunState" NOT NULL DEFAULT 'waiting',
    "createdAt" TIMESTAMP(3) NOT NULL,
    "beganAt" TIMESTAMP(3),
    "finishedAt" TIMESTAMP(3),
    "reason" TEXT,
    "nodeIds" TEXT[],
    "windowEndsAt" TIMESTAMP(3),
    "expectedAt" TIMESTAMP(3),
    "alarmAt" TIMESTAMP(3),
    "alarmedAt" TIMESTAMP(3),

    CONSTRAINT "schedule_runs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "schedule_waves" (
    "runId" TEXT NOT NULL,
    "index" INTEGER NOT NULL,
    "nodeIds" TEXT[],
    "jobId" TEXT,
    "failureCode" TEXT,
    "failureMessage" TEXT,
    "failureHint" TEXT,

    CONSTRAINT "schedule_waves_pkey" PRIMARY KEY ("runId","index")
);

-- CreateTable
CREATE TABLE "maintenance_windows" (
    "id" TEXT NOT NULL,
    "groupId" TEXT,
    "days" INTEGER[],
    "fromMinute" INTEGER NOT NULL,
    "toMinute" INTEGER NOT NULL,
    "timeZone" TEXT NOT NULL,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "maintenance_windows_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "blackouts" (
    "id" TEXT NOT NULL,
    "groupId" TEXT,
    "from" TIMESTAMP(3) NOT NULL,
    "to" TIMESTAMP(3) NOT NULL,
    "reason" TEXT NOT NULL,
    "source" TEXT,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "blackouts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "recipients" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" "RecipientKind" NOT NULL,
    "address" TEXT NOT NULL,
    "sealed" TEXT,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "recipients_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "deliveries" (
    "id" TEXT NOT NULL,
    "recipientId" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "state" "DeliveryState" NOT NULL DEFAULT 'pending',
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "nextTryAt" TIMESTAMP(3) NOT NULL,
    "claimedAt" TIMESTAMP(3),
    "sentAt" TIMESTAMP(3),
    "answer" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "deliveries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "digests" (
    "day" TEXT NOT NULL,
    "from" TIMESTAMP(3) NOT NULL,
    "to" TIMESTAMP(3) NOT NULL,
    "text" TEXT NOT NULL,
    "content" JSONB NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "digests_pkey" PRIMARY KEY ("day")
);

-- CreateIndex
CREATE UNIQUE INDEX "schedules_requestId_key" ON "schedules"("requestId");

-- CreateIndex
CREATE INDEX "schedules_nextRunAt_idx" ON "schedules"("nextRunAt");

-- CreateIndex
CREATE INDEX "schedule_runs_state_idx" ON "schedule_runs"("state");

-- CreateIndex
CREATE INDEX "schedule_runs_plannedFor_idx" ON "schedule_runs"("plannedFor");

-- CreateIndex
CREATE UNIQUE INDEX "schedule_runs_scheduleId_plannedFor_key" ON "schedule_runs"("scheduleId", "plannedFor");

-- CreateIndex
CREATE UNIQUE INDEX "schedule_waves_jobId_key" ON "schedule_waves"("jobId");

-- CreateIndex
CREATE INDEX "blackouts_to_idx" ON "blackouts"("to");

-- CreateIndex
CREATE INDEX "deliveries_state_nextTryAt_idx" ON "deliveries"("state", "nextTryAt");

-- CreateIndex
CREATE UNIQUE INDEX "deliveries_recipientId_subject_key" ON "deliveries"("recipientId", "subject");

-- AddForeignKey
ALTER TABLE "schedules" ADD CONSTRAINT "schedules_groupId_fkey" FOREIGN KEY ("groupId") REFERENCES "groups"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "schedule_runs" ADD CONSTRAINT "schedule_runs_scheduleId_fkey" FOREIGN KEY ("scheduleId") REFERENCES "schedules"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "schedule_waves" ADD CONSTRAINT "schedule_waves_runId_fkey" FOREIGN KEY ("runId") REFERENCES "schedule_runs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "schedule_waves" ADD CONSTRAINT "schedule_waves_jobId_fkey" FOREIGN KEY ("jobId") REFERENCES "jobs"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "maintenance_windows" ADD CONSTRAINT "maintenance_windows_groupId_fkey" FOREIGN KEY ("groupId") REFERENCES "groups"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "blackouts" ADD CONSTRAINT "blackouts_groupId_fkey" FOREIGN KEY ("groupId") REFERENCES "groups"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_recipientId_fkey" FOREIGN KEY ("recipientId") REFERENCES "recipients"("id") ON DELETE CASCADE ON UPDATE CASCADE;
