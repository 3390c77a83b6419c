CREATE TABLE "rotations" (
	"uid" text COLLATE "C" PRIMARY KEY NOT NULL,
	"app_uid" text COLLATE "C" NOT NULL,
	"step" text COLLATE "C" NOT NULL,
	"marker" text COLLATE "C" NOT NULL,
	"old_credential_uid" text COLLATE "C" NOT NULL,
	"new_credential_uid" text COLLATE "C",
	"begin_time" bigint NOT NULL,
	"watch_time" bigint,
	"next_time" bigint NOT NULL,
	"failures" bigint NOT NULL,
	"problem" jsonb,
	"version" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "apps" ADD COLUMN "home_directory_id" text COLLATE "C";--> statement-breakpoint
ALTER TABLE "apps" ADD COLUMN "rotation" jsonb;--> statement-breakpoint
ALTER TABLE "apps" ADD COLUMN "inspect_time" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "apps" ADD COLUMN "strangers" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "credentials" ADD COLUMN "said_expire_time" bigint;--> statement-breakpoint
ALTER TABLE "credentials" ADD COLUMN "entra_expire_time" bigint;--> statement-breakpoint
ALTER TABLE "credentials" ADD COLUMN "entra_key_id" text COLLATE "C";--> statement-breakpoint
ALTER TABLE "credentials" ADD COLUMN "prefer_time" bigint;--> statement-breakpoint
ALTER TABLE "rotations" ADD CONSTRAINT "rotations_app_uid_apps_uid_fk" FOREIGN KEY ("app_uid") REFERENCES "public"."apps"("uid") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "rotations_app_uid" ON "rotations" USING btree ("app_uid");--> statement-breakpoint
CREATE INDEX "rotations_next_time" ON "rotations" USING btree ("next_time");--> statement-breakpoint
CREATE INDEX "apps_inspect_time" ON "apps" USING btree ("inspect_time");--> statement-breakpoint
CREATE INDEX "apps_client_id" ON "apps" USING btree ("client_id");--> statement-breakpoint
CREATE INDEX "credentials_reference" ON "credentials" USING btree ("hint") WHERE kind = 'KEY_VAULT_SECRET';