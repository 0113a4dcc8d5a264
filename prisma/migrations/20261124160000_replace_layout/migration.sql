-- A clone may bring its own partition table to a disk that is partitioned otherwise.
ALTER TABLE "tasks" ADD COLUMN "replacesLayout" BOOLEAN NOT NULL DEFAULT false;
