CREATE TABLE `deliveries` (
	`sink_id` text NOT NULL,
	`sequence` integer NOT NULL,
	`attempts` integer NOT NULL,
	`last_error` text,
	`create_time` integer NOT NULL,
	`next_time` integer,
	`park_time` integer,
	PRIMARY KEY(`sink_id`, `sequence`),
	FOREIGN KEY (`sequence`) REFERENCES `outbox`(`sequence`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `deliveries_next_time` ON `deliveries` (`sink_id`,`next_time`,`sequence`) WHERE next_time IS NOT NULL;--> statement-breakpoint
CREATE INDEX `deliveries_parked` ON `deliveries` (`sink_id`,`sequence`) WHERE next_time IS NULL;--> statement-breakpoint
CREATE INDEX `deliveries_sequence` ON `deliveries` (`sequence`);--> statement-breakpoint
CREATE TABLE `leases` (
	`name` text PRIMARY KEY NOT NULL,
	`owner` text NOT NULL,
	`until` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `sinks` (
	`sink_id` text PRIMARY KEY NOT NULL,
	`cursor` integer NOT NULL
);
--> statement-breakpoint
DROP INDEX `connections_external_id`;--> statement-breakpoint
DROP INDEX `connections_object_id`;--> statement-breakpoint
DROP INDEX `connections_directory_id`;--> statement-breakpoint
DROP INDEX `connections_username`;--> statement-breakpoint
ALTER TABLE `connections` ADD `idle_told` integer;--> statement-breakpoint
CREATE INDEX `connections_idle` ON `connections` (`last_refresh_time`) WHERE grant_state = 'ACTIVE' AND idle_told IS DISTINCT FROM last_refresh_time;--> statement-breakpoint
CREATE INDEX `connections_external_id` ON `connections` (`external_id`,`tenant_id`,`connection_id`) WHERE external_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `connections_object_id` ON `connections` (`object_id`,`tenant_id`,`connection_id`) WHERE object_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `connections_directory_id` ON `connections` (`directory_id`,`tenant_id`,`connection_id`) WHERE directory_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `connections_username` ON `connections` (`username_index`) WHERE username_index IS NOT NULL;--> statement-breakpoint
ALTER TABLE `credentials` ADD `reminder_time` integer DEFAULT 0;--> statement-breakpoint
ALTER TABLE `credentials` ADD `told_days` integer;--> statement-breakpoint
ALTER TABLE `credentials` ADD `told_end` integer;--> statement-breakpoint
CREATE INDEX `credentials_expire_time` ON `credentials` (`expire_time`,`uid`);--> statement-breakpoint
CREATE INDEX `credentials_reminder_time` ON `credentials` (`reminder_time`) WHERE reminder_time IS NOT NULL;--> statement-breakpoint
ALTER TABLE `outbox` ADD `cause` text;--> statement-breakpoint
ALTER TABLE `outbox` ADD `severity` text DEFAULT 'INFO' NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `outbox_cause` ON `outbox` (`cause`) WHERE cause IS NOT NULL;--> statement-breakpoint
ALTER TABLE `tenants` ADD `expiry_thresholds` text;