CREATE TABLE `audit_streams` (
	`stream_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`first_number` integer NOT NULL,
	`first_time` integer NOT NULL,
	`last_number` integer NOT NULL,
	`last_time` integer NOT NULL,
	`checkpoint` blob NOT NULL
);
--> statement-breakpoint
CREATE TABLE `changes` (
	`position` integer PRIMARY KEY NOT NULL,
	`uid` text NOT NULL,
	`kind` text NOT NULL,
	`subject_uid` text NOT NULL,
	`time` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `changes_time` ON `changes` (`time`);--> statement-breakpoint
CREATE TABLE `commits` (
	`commit_id` text PRIMARY KEY NOT NULL,
	`time` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `commits_time` ON `commits` (`time`);--> statement-breakpoint
CREATE TABLE `feed` (
	`name` text PRIMARY KEY NOT NULL,
	`position` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `replicas` (
	`uid` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`version` text NOT NULL,
	`start_time` integer NOT NULL,
	`heartbeat_time` integer NOT NULL,
	`feed_position` integer NOT NULL,
	`root_key_ids` text NOT NULL
);
--> statement-breakpoint
ALTER TABLE `apps` ADD `mac` blob;--> statement-breakpoint
ALTER TABLE `connections` ADD `lease_id` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `connections` ADD `mac` blob;--> statement-breakpoint
ALTER TABLE `connections` DROP COLUMN `epoch`;--> statement-breakpoint
ALTER TABLE `leases` ADD `epoch` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `outbox` ADD `number` integer;--> statement-breakpoint
CREATE UNIQUE INDEX `outbox_number` ON `outbox` (`number`) WHERE number IS NOT NULL;--> statement-breakpoint
CREATE INDEX `outbox_without_number` ON `outbox` (`sequence`) WHERE number IS NULL;--> statement-breakpoint
ALTER TABLE `tenants` ADD `seal_version` integer DEFAULT 1 NOT NULL;