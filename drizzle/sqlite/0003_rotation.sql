CREATE TABLE `rotations` (
	`uid` text PRIMARY KEY NOT NULL,
	`app_uid` text NOT NULL,
	`step` text NOT NULL,
	`marker` text NOT NULL,
	`old_credential_uid` text NOT NULL,
	`new_credential_uid` text,
	`begin_time` integer NOT NULL,
	`watch_time` integer,
	`next_time` integer NOT NULL,
	`failures` integer NOT NULL,
	`problem` text,
	`version` integer NOT NULL,
	FOREIGN KEY (`app_uid`) REFERENCES `apps`(`uid`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `rotations_app_uid` ON `rotations` (`app_uid`);--> statement-breakpoint
CREATE INDEX `rotations_next_time` ON `rotations` (`next_time`);--> statement-breakpoint
ALTER TABLE `apps` ADD `home_directory_id` text;--> statement-breakpoint
ALTER TABLE `apps` ADD `rotation` text;--> statement-breakpoint
ALTER TABLE `apps` ADD `inspect_time` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `apps` ADD `strangers` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
CREATE INDEX `apps_inspect_time` ON `apps` (`inspect_time`);--> statement-breakpoint
CREATE INDEX `apps_client_id` ON `apps` (`client_id`);--> statement-breakpoint
ALTER TABLE `credentials` ADD `said_expire_time` integer;--> statement-breakpoint
ALTER TABLE `credentials` ADD `entra_expire_time` integer;--> statement-breakpoint
ALTER TABLE `credentials` ADD `entra_key_id` text;--> statement-breakpoint
ALTER TABLE `credentials` ADD `prefer_time` integer;--> statement-breakpoint
CREATE INDEX `credentials_reference` ON `credentials` (`hint`) WHERE kind = 'KEY_VAULT_SECRET';