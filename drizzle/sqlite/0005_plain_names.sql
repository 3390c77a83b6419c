ALTER TABLE `apps` RENAME COLUMN `state_evidence` TO `state_reason`;--> statement-breakpoint
ALTER TABLE `apps` RENAME COLUMN `strangers` TO `known_key_ids`;--> statement-breakpoint
ALTER TABLE `credentials` RENAME COLUMN `said_expire_time` TO `configured_expire_time`;--> statement-breakpoint
ALTER TABLE `credentials` RENAME COLUMN `told_days` TO `last_reminded_days`;--> statement-breakpoint
ALTER TABLE `credentials` RENAME COLUMN `told_end` TO `reminded_expire_time`;--> statement-breakpoint
ALTER TABLE `connections` RENAME COLUMN `state_evidence` TO `state_reason`;--> statement-breakpoint
ALTER TABLE `connections` RENAME COLUMN `strike_time` TO `first_suspect_time`;--> statement-breakpoint
ALTER TABLE `connections` RENAME COLUMN `idle_told` TO `idle_reminded_time`;--> statement-breakpoint
ALTER TABLE `outbox` RENAME COLUMN `cause` TO `dedupe_key`;--> statement-breakpoint
ALTER TABLE `deliveries` RENAME COLUMN `park_time` TO `dead_letter_time`;--> statement-breakpoint
DROP INDEX `outbox_cause`;--> statement-breakpoint
CREATE UNIQUE INDEX `outbox_dedupe_key` ON `outbox` (`dedupe_key`) WHERE dedupe_key IS NOT NULL;--> statement-breakpoint
DROP INDEX `deliveries_parked`;--> statement-breakpoint
CREATE INDEX `deliveries_dead_letters` ON `deliveries` (`sink_id`,`sequence`) WHERE next_time IS NULL;