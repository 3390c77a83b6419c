CREATE TABLE `access_tokens` (
	`connection_uid` text NOT NULL,
	`resource` text NOT NULL,
	`tenant_uid` text NOT NULL,
	`token` blob NOT NULL,
	`expire_time` integer NOT NULL,
	PRIMARY KEY(`connection_uid`, `resource`),
	FOREIGN KEY (`connection_uid`) REFERENCES `connections`(`uid`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `apps` (
	`uid` text PRIMARY KEY NOT NULL,
	`tenant_uid` text NOT NULL,
	`tenant_id` text NOT NULL,
	`app_id` text NOT NULL,
	`display_name` text NOT NULL,
	`client_id` text NOT NULL,
	`cloud` text NOT NULL,
	`sign_in_audience` text NOT NULL,
	`redirect_uris` text NOT NULL,
	`return_url_prefixes` text NOT NULL,
	`catalog` text,
	`implicit_permissions` text NOT NULL,
	`shared_with` text NOT NULL,
	`suspended` integer NOT NULL,
	`state` text NOT NULL,
	`state_evidence` text,
	`failing_directories` text NOT NULL,
	`create_time` integer NOT NULL,
	`update_time` integer NOT NULL,
	`version` integer NOT NULL,
	FOREIGN KEY (`tenant_uid`) REFERENCES `tenants`(`uid`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `apps_tenant_uid_app_id` ON `apps` (`tenant_uid`,`app_id`);--> statement-breakpoint
CREATE INDEX `apps_tenant_id_app_id` ON `apps` (`tenant_id`,`app_id`);--> statement-breakpoint
CREATE TABLE `authorization_attempts` (
	`state_hash` text PRIMARY KEY NOT NULL,
	`authorization_uid` text NOT NULL,
	`secrets` blob NOT NULL,
	`expire_time` integer NOT NULL,
	`used_time` integer,
	FOREIGN KEY (`authorization_uid`) REFERENCES `authorizations`(`uid`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `authorization_attempts_authorization_uid` ON `authorization_attempts` (`authorization_uid`);--> statement-breakpoint
CREATE TABLE `authorizations` (
	`uid` text PRIMARY KEY NOT NULL,
	`tenant_uid` text NOT NULL,
	`connection_uid` text NOT NULL,
	`app_uid` text NOT NULL,
	`state` text NOT NULL,
	`product_scopes` text NOT NULL,
	`permissions` text NOT NULL,
	`redirect_uri` text NOT NULL,
	`return_url` text,
	`completion` text NOT NULL,
	`login_hint` blob,
	`directory_id` text,
	`prompt` text,
	`allow_account_change` integer NOT NULL,
	`claims` text,
	`failure` text,
	`create_time` integer NOT NULL,
	`expire_time` integer NOT NULL,
	`handle_hash` text NOT NULL,
	`waiting_grant` blob,
	`confirmation_hash` text,
	`confirmation_expire_time` integer,
	FOREIGN KEY (`connection_uid`) REFERENCES `connections`(`uid`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`app_uid`) REFERENCES `apps`(`uid`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `authorizations_handle_hash_unique` ON `authorizations` (`handle_hash`);--> statement-breakpoint
CREATE INDEX `authorizations_connection_uid` ON `authorizations` (`connection_uid`);--> statement-breakpoint
CREATE INDEX `authorizations_app_uid` ON `authorizations` (`app_uid`);--> statement-breakpoint
CREATE INDEX `authorizations_expire_time` ON `authorizations` (`expire_time`);--> statement-breakpoint
CREATE TABLE `connections` (
	`uid` text PRIMARY KEY NOT NULL,
	`tenant_uid` text NOT NULL,
	`tenant_id` text NOT NULL,
	`connection_id` text NOT NULL,
	`app_uid` text NOT NULL,
	`app_tenant_id` text NOT NULL,
	`app_id` text NOT NULL,
	`external_id` text,
	`labels` text NOT NULL,
	`directory_id` text,
	`object_id` text,
	`personal` blob,
	`username_index` text,
	`product_scopes` text NOT NULL,
	`granted` text NOT NULL,
	`grant_state` text NOT NULL,
	`state_evidence` text,
	`suspend_time` integer,
	`verify_time` integer,
	`last_refresh_time` integer,
	`strike_time` integer,
	`held_until` integer,
	`keep_alive_time` integer,
	`create_time` integer NOT NULL,
	`update_time` integer NOT NULL,
	`version` integer NOT NULL,
	`refresh_token` blob,
	`previous_refresh_token` blob,
	`replaced_time` integer,
	`epoch` integer NOT NULL,
	`lease_owner` text,
	`lease_until` integer,
	FOREIGN KEY (`tenant_uid`) REFERENCES `tenants`(`uid`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`app_uid`) REFERENCES `apps`(`uid`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `connections_tenant_uid_connection_id` ON `connections` (`tenant_uid`,`connection_id`);--> statement-breakpoint
CREATE INDEX `connections_tenant_id_connection_id` ON `connections` (`tenant_id`,`connection_id`);--> statement-breakpoint
CREATE INDEX `connections_app_uid` ON `connections` (`app_uid`,`tenant_uid`);--> statement-breakpoint
CREATE INDEX `connections_external_id` ON `connections` (`external_id`,`tenant_id`,`connection_id`);--> statement-breakpoint
CREATE INDEX `connections_username` ON `connections` (`username_index`);--> statement-breakpoint
CREATE INDEX `connections_state` ON `connections` (`grant_state`,`tenant_id`,`connection_id`) WHERE suspend_time IS NULL;--> statement-breakpoint
CREATE INDEX `connections_suspended` ON `connections` (`tenant_id`,`connection_id`) WHERE suspend_time IS NOT NULL;--> statement-breakpoint
CREATE INDEX `connections_keep_alive` ON `connections` (`keep_alive_time`) WHERE keep_alive_time IS NOT NULL AND suspend_time IS NULL;--> statement-breakpoint
CREATE INDEX `connections_last_refresh` ON `connections` (`last_refresh_time`) WHERE last_refresh_time IS NOT NULL AND suspend_time IS NULL;--> statement-breakpoint
CREATE INDEX `connections_lease` ON `connections` (`lease_until`) WHERE lease_until IS NOT NULL;--> statement-breakpoint
CREATE TABLE `credentials` (
	`uid` text PRIMARY KEY NOT NULL,
	`tenant_uid` text NOT NULL,
	`app_uid` text NOT NULL,
	`credential_id` text NOT NULL,
	`position` integer NOT NULL,
	`kind` text NOT NULL,
	`hint` text NOT NULL,
	`not_before` integer,
	`expire_time` integer,
	`verdict` text NOT NULL,
	`entra_error` text,
	`last_used_time` integer,
	`create_time` integer NOT NULL,
	`material` blob NOT NULL,
	FOREIGN KEY (`app_uid`) REFERENCES `apps`(`uid`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `credentials_app_uid_credential_id` ON `credentials` (`app_uid`,`credential_id`);--> statement-breakpoint
CREATE INDEX `credentials_tenant_uid_expire_time` ON `credentials` (`tenant_uid`,`expire_time`);--> statement-breakpoint
CREATE TABLE `deks` (
	`tenant_uid` text NOT NULL,
	`version` integer NOT NULL,
	`wrapped` blob NOT NULL,
	PRIMARY KEY(`tenant_uid`, `version`)
);
--> statement-breakpoint
CREATE TABLE `meta` (
	`key` text PRIMARY KEY NOT NULL,
	`value` blob NOT NULL
);
--> statement-breakpoint
CREATE TABLE `tenants` (
	`uid` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`display_name` text NOT NULL,
	`labels` text NOT NULL,
	`state` text NOT NULL,
	`catalog` text NOT NULL,
	`allowed_directory_ids` text NOT NULL,
	`create_time` integer NOT NULL,
	`update_time` integer NOT NULL,
	`version` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tenants_tenant_id_unique` ON `tenants` (`tenant_id`);