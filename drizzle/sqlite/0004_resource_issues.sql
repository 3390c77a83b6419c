DROP INDEX `connections_idle`;--> statement-breakpoint
ALTER TABLE `connections` ADD `resource_issues` text DEFAULT '{}' NOT NULL;--> statement-breakpoint
CREATE INDEX `connections_idle` ON `connections` (`last_refresh_time`) WHERE keep_alive_time IS NOT NULL AND idle_told IS DISTINCT FROM last_refresh_time;