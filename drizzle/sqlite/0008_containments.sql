CREATE TABLE `caller_use` (
	`caller` text NOT NULL,
	`credential_id` text NOT NULL,
	`last_use_time` integer NOT NULL,
	PRIMARY KEY(`caller`, `credential_id`)
);
--> statement-breakpoint
CREATE TABLE `connection_callers` (
	`connection_uid` text NOT NULL,
	`caller` text NOT NULL,
	`tenant_uid` text NOT NULL,
	`last_served_time` integer NOT NULL,
	PRIMARY KEY(`connection_uid`, `caller`),
	FOREIGN KEY (`connection_uid`) REFERENCES `connections`(`uid`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `connection_callers_caller` ON `connection_callers` (`caller`,`tenant_uid`);--> statement-breakpoint
CREATE INDEX `connection_callers_last_served_time` ON `connection_callers` (`last_served_time`);--> statement-breakpoint
CREATE TABLE `connection_use` (
	`connection_uid` text PRIMARY KEY NOT NULL,
	`last_served_time` integer NOT NULL,
	FOREIGN KEY (`connection_uid`) REFERENCES `connections`(`uid`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `containments` (
	`subject` text PRIMARY KEY NOT NULL,
	`reason` text NOT NULL,
	`caller` text NOT NULL,
	`create_time` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `replicas` ADD `enforces_containments` integer;