CREATE TABLE "access_tokens" (
	"connection_uid" text COLLATE "C" NOT NULL,
	"resource" text COLLATE "C" NOT NULL,
	"tenant_uid" text COLLATE "C" NOT NULL,
	"token" "bytea" NOT NULL,
	"expire_time" bigint NOT NULL,
	CONSTRAINT "access_tokens_pk" PRIMARY KEY("connection_uid","resource")
);
--> statement-breakpoint
CREATE TABLE "apps" (
	"uid" text COLLATE "C" PRIMARY KEY NOT NULL,
	"tenant_uid" text COLLATE "C" NOT NULL,
	"tenant_id" text COLLATE "C" NOT NULL,
	"app_id" text COLLATE "C" NOT NULL,
	"display_name" text COLLATE "C" NOT NULL,
	"client_id" text COLLATE "C" NOT NULL,
	"cloud" text COLLATE "C" NOT NULL,
	"sign_in_audience" text COLLATE "C" NOT NULL,
	"redirect_uris" jsonb NOT NULL,
	"return_url_prefixes" jsonb NOT NULL,
	"catalog" text COLLATE "C",
	"implicit_permissions" jsonb NOT NULL,
	"shared_with" jsonb NOT NULL,
	"suspended" boolean NOT NULL,
	"state" text COLLATE "C" NOT NULL,
	"state_evidence" jsonb,
	"failing_directories" jsonb NOT NULL,
	"create_time" bigint NOT NULL,
	"update_time" bigint NOT NULL,
	"version" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "authorization_attempts" (
	"state_hash" text COLLATE "C" PRIMARY KEY NOT NULL,
	"authorization_uid" text COLLATE "C" NOT NULL,
	"secrets" "bytea" NOT NULL,
	"expire_time" bigint NOT NULL,
	"used_time" bigint
);
--> statement-breakpoint
CREATE TABLE "authorizations" (
	"uid" text COLLATE "C" PRIMARY KEY NOT NULL,
	"tenant_uid" text COLLATE "C" NOT NULL,
	"connection_uid" text COLLATE "C" NOT NULL,
	"app_uid" text COLLATE "C" NOT NULL,
	"state" text COLLATE "C" NOT NULL,
	"product_scopes" jsonb NOT NULL,
	"permissions" jsonb NOT NULL,
	"redirect_uri" text COLLATE "C" NOT NULL,
	"return_url" text COLLATE "C",
	"completion" text COLLATE "C" NOT NULL,
	"login_hint" "bytea",
	"directory_id" text COLLATE "C",
	"prompt" text COLLATE "C",
	"allow_account_change" boolean NOT NULL,
	"claims" text COLLATE "C",
	"failure" text COLLATE "C",
	"create_time" bigint NOT NULL,
	"expire_time" bigint NOT NULL,
	"handle_hash" text COLLATE "C" NOT NULL,
	"waiting_grant" "bytea",
	"confirmation_hash" text COLLATE "C",
	"confirmation_expire_time" bigint,
	CONSTRAINT "authorizations_handle_hash_unique" UNIQUE("handle_hash")
);
--> statement-breakpoint
CREATE TABLE "connections" (
	"uid" text COLLATE "C" PRIMARY KEY NOT NULL,
	"tenant_uid" text COLLATE "C" NOT NULL,
	"tenant_id" text COLLATE "C" NOT NULL,
	"connection_id" text COLLATE "C" NOT NULL,
	"app_uid" text COLLATE "C" NOT NULL,
	"app_tenant_id" text COLLATE "C" NOT NULL,
	"app_id" text COLLATE "C" NOT NULL,
	"external_id" text COLLATE "C",
	"labels" jsonb NOT NULL,
	"directory_id" text COLLATE "C",
	"object_id" text COLLATE "C",
	"personal" "bytea",
	"username_index" text COLLATE "C",
	"product_scopes" jsonb NOT NULL,
	"granted" jsonb NOT NULL,
	"grant_state" text COLLATE "C" NOT NULL,
	"state_evidence" jsonb,
	"suspend_time" bigint,
	"verify_time" bigint,
	"last_refresh_time" bigint,
	"strike_time" bigint,
	"held_until" bigint,
	"keep_alive_time" bigint,
	"create_time" bigint NOT NULL,
	"update_time" bigint NOT NULL,
	"version" bigint NOT NULL,
	"refresh_token" "bytea",
	"previous_refresh_token" "bytea",
	"replaced_time" bigint,
	"epoch" bigint NOT NULL,
	"lease_owner" text COLLATE "C",
	"lease_until" bigint
);
--> statement-breakpoint
CREATE TABLE "credentials" (
	"uid" text COLLATE "C" PRIMARY KEY NOT NULL,
	"tenant_uid" text COLLATE "C" NOT NULL,
	"app_uid" text COLLATE "C" NOT NULL,
	"credential_id" text COLLATE "C" NOT NULL,
	"position" bigint NOT NULL,
	"kind" text COLLATE "C" NOT NULL,
	"hint" text COLLATE "C" NOT NULL,
	"not_before" bigint,
	"expire_time" bigint,
	"verdict" text COLLATE "C" NOT NULL,
	"entra_error" text COLLATE "C",
	"last_used_time" bigint,
	"create_time" bigint NOT NULL,
	"material" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "deks" (
	"tenant_uid" text COLLATE "C" NOT NULL,
	"version" bigint NOT NULL,
	"wrapped" "bytea" NOT NULL,
	CONSTRAINT "deks_pk" PRIMARY KEY("tenant_uid","version")
);
--> statement-breakpoint
CREATE TABLE "meta" (
	"key" text COLLATE "C" PRIMARY KEY NOT NULL,
	"value" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tenants" (
	"uid" text COLLATE "C" PRIMARY KEY NOT NULL,
	"tenant_id" text COLLATE "C" NOT NULL,
	"display_name" text COLLATE "C" NOT NULL,
	"labels" jsonb NOT NULL,
	"state" text COLLATE "C" NOT NULL,
	"catalog" text COLLATE "C" NOT NULL,
	"allowed_directory_ids" jsonb NOT NULL,
	"create_time" bigint NOT NULL,
	"update_time" bigint NOT NULL,
	"version" bigint NOT NULL,
	CONSTRAINT "tenants_tenant_id_unique" UNIQUE("tenant_id")
);
--> statement-breakpoint
ALTER TABLE "access_tokens" ADD CONSTRAINT "access_tokens_connection_uid_connections_uid_fk" FOREIGN KEY ("connection_uid") REFERENCES "public"."connections"("uid") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "apps" ADD CONSTRAINT "apps_tenant_uid_tenants_uid_fk" FOREIGN KEY ("tenant_uid") REFERENCES "public"."tenants"("uid") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "authorization_attempts" ADD CONSTRAINT "authorization_attempts_authorization_uid_authorizations_uid_fk" FOREIGN KEY ("authorization_uid") REFERENCES "public"."authorizations"("uid") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "authorizations" ADD CONSTRAINT "authorizations_connection_uid_connections_uid_fk" FOREIGN KEY ("connection_uid") REFERENCES "public"."connections"("uid") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "authorizations" ADD CONSTRAINT "authorizations_app_uid_apps_uid_fk" FOREIGN KEY ("app_uid") REFERENCES "public"."apps"("uid") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "connections" ADD CONSTRAINT "connections_tenant_uid_tenants_uid_fk" FOREIGN KEY ("tenant_uid") REFERENCES "public"."tenants"("uid") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "connections" ADD CONSTRAINT "connections_app_uid_apps_uid_fk" FOREIGN KEY ("app_uid") REFERENCES "public"."apps"("uid") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credentials" ADD CONSTRAINT "credentials_app_uid_apps_uid_fk" FOREIGN KEY ("app_uid") REFERENCES "public"."apps"("uid") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "apps_tenant_uid_app_id" ON "apps" USING btree ("tenant_uid","app_id");--> statement-breakpoint
CREATE INDEX "apps_tenant_id_app_id" ON "apps" USING btree ("tenant_id","app_id");--> statement-breakpoint
CREATE INDEX "authorization_attempts_authorization_uid" ON "authorization_attempts" USING btree ("authorization_uid");--> statement-breakpoint
CREATE INDEX "authorizations_connection_uid" ON "authorizations" USING btree ("connection_uid");--> statement-breakpoint
CREATE INDEX "authorizations_app_uid" ON "authorizations" USING btree ("app_uid");--> statement-breakpoint
CREATE INDEX "authorizations_expire_time" ON "authorizations" USING btree ("expire_time");--> statement-breakpoint
CREATE UNIQUE INDEX "connections_tenant_uid_connection_id" ON "connections" USING btree ("tenant_uid","connection_id");--> statement-breakpoint
CREATE INDEX "connections_tenant_id_connection_id" ON "connections" USING btree ("tenant_id","connection_id");--> statement-breakpoint
CREATE INDEX "connections_app_uid" ON "connections" USING btree ("app_uid","tenant_uid");--> statement-breakpoint
CREATE INDEX "connections_external_id" ON "connections" USING btree ("external_id","tenant_id","connection_id");--> statement-breakpoint
CREATE INDEX "connections_username" ON "connections" USING btree ("username_index");--> statement-breakpoint
CREATE INDEX "connections_state" ON "connections" USING btree ("grant_state","tenant_id","connection_id") WHERE suspend_time IS NULL;--> statement-breakpoint
CREATE INDEX "connections_suspended" ON "connections" USING btree ("tenant_id","connection_id") WHERE suspend_time IS NOT NULL;--> statement-breakpoint
CREATE INDEX "connections_keep_alive" ON "connections" USING btree ("keep_alive_time") WHERE keep_alive_time IS NOT NULL AND suspend_time IS NULL;--> statement-breakpoint
CREATE INDEX "connections_last_refresh" ON "connections" USING btree ("last_refresh_time") WHERE last_refresh_time IS NOT NULL AND suspend_time IS NULL;--> statement-breakpoint
CREATE INDEX "connections_lease" ON "connections" USING btree ("lease_until") WHERE lease_until IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "credentials_app_uid_credential_id" ON "credentials" USING btree ("app_uid","credential_id");--> statement-breakpoint
CREATE INDEX "credentials_tenant_uid_expire_time" ON "credentials" USING btree ("tenant_uid","expire_time");