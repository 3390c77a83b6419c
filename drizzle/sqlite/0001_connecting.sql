CREATE TABLE `admin_consents` (
	`uid` text PRIMARY KEY NOT NULL,
	`tenant_uid` text NOT NULL,
	`tenant_id` text NOT NULL,
	`app_uid` text NOT NULL,
	`state` text NOT NULL,
	`directory_id` text,
	`product_scopes` text NOT NULL,
	`scopes` text NOT NULL,
	`redirect_uri` text NOT NULL,
	`return_url` text,
	`create_time` integer NOT NULL,
	`expire_time` integer NOT NULL,
	`handle_hash` text NOT NULL,
	`state_hash` text,
	`presses` integer NOT NULL,
	`state_expire_time` integer,
	`state_used_time` integer,
	FOREIGN KEY (`tenant_uid`) REFERENCES `tenants`(`uid`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`app_uid`) REFERENCES `apps`(`uid`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `admin_consents_handle_hash_unique` ON `admin_consents` (`handle_hash`);--> statement-breakpoint
CREATE UNIQUE INDEX `admin_consents_state_hash_unique` ON `admin_consents` (`state_hash`);--> statement-breakpoint
CREATE INDEX `admin_consents_tenant_uid` ON `admin_consents` (`tenant_uid`);--> statement-breakpoint
CREATE INDEX `admin_consents_app_uid` ON `admin_consents` (`app_uid`);--> statement-breakpoint
CREATE INDEX `admin_consents_expire_time` ON `admin_consents` (`expire_time`);--> statement-breakpoint
CREATE TABLE `app_logos` (
	`app_uid` text PRIMARY KEY NOT NULL,
	`hash` text NOT NULL,
	`media_type` text NOT NULL,
	`image` blob NOT NULL,
	FOREIGN KEY (`app_uid`) REFERENCES `apps`(`uid`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `app_logos_hash` ON `app_logos` (`hash`);--> statement-breakpoint
CREATE TABLE `outbox` (
	`sequence` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`uid` text NOT NULL,
	`type` text NOT NULL,
	`tenant_uid` text NOT NULL,
	`tenant_id` text NOT NULL,
	`subject` text NOT NULL,
	`time` integer NOT NULL,
	`data` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `outbox_time` ON `outbox` (`time`);--> statement-breakpoint
CREATE INDEX `outbox_tenant_uid` ON `outbox` (`tenant_uid`);--> statement-breakpoint
ALTER TABLE `apps` ADD `logo_hash` text;--> statement-breakpoint
CREATE UNIQUE INDEX `connections_tenant_uid_external_id` ON `connections` (`tenant_uid`,`external_id`) WHERE external_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `connections_object_id` ON `connections` (`object_id`,`tenant_id`,`connection_id`);--> statement-breakpoint
CREATE INDEX `connections_directory_id` ON `connections` (`directory_id`,`tenant_id`,`connection_id`);