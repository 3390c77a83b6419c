CREATE TABLE "audit_streams" (
	"stream_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"first_number" bigint NOT NULL,
	"first_time" bigint NOT NULL,
	"last_number" bigint NOT NULL,
	"last_time" bigint NOT NULL,
	"checkpoint" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "changes" (
	"position" bigint PRIMARY KEY NOT NULL,
	"uid" text COLLATE "C" NOT NULL,
	"kind" text COLLATE "C" NOT NULL,
	"subject_uid" text COLLATE "C" NOT NULL,
	"time" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "commits" (
	"commit_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"time" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "feed" (
	"name" text COLLATE "C" PRIMARY KEY NOT NULL,
	"position" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "replicas" (
	"uid" text COLLATE "C" PRIMARY KEY NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"version" text COLLATE "C" NOT NULL,
	"start_time" bigint NOT NULL,
	"heartbeat_time" bigint NOT NULL,
	"feed_position" bigint NOT NULL,
	"root_key_ids" jsonb NOT NULL
);
--> statement-breakpoint
ALTER TABLE "apps" ADD COLUMN "mac" "bytea";--> statement-breakpoint
ALTER TABLE "connections" ADD COLUMN "lease_id" text COLLATE "C" DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "connections" ADD COLUMN "mac" "bytea";--> statement-breakpoint
ALTER TABLE "leases" ADD COLUMN "epoch" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "number" bigint;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "seal_version" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
CREATE INDEX "changes_time" ON "changes" USING btree ("time");--> statement-breakpoint
CREATE INDEX "commits_time" ON "commits" USING btree ("time");--> statement-breakpoint
CREATE UNIQUE INDEX "outbox_number" ON "outbox" USING btree ("number") WHERE number IS NOT NULL;--> statement-breakpoint
CREATE INDEX "outbox_without_number" ON "outbox" USING btree ("sequence") WHERE number IS NULL;--> statement-breakpoint
ALTER TABLE "connections" DROP COLUMN "epoch";