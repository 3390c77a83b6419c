CREATE TABLE "deliveries" (
	"sink_id" text COLLATE "C" NOT NULL,
	"sequence" bigint NOT NULL,
	"attempts" bigint NOT NULL,
	"last_error" text COLLATE "C",
	"create_time" bigint NOT NULL,
	"next_time" bigint,
	"park_time" bigint,
	CONSTRAINT "deliveries_pk" PRIMARY KEY("sink_id","sequence")
);
--> statement-breakpoint
CREATE TABLE "leases" (
	"name" text COLLATE "C" PRIMARY KEY NOT NULL,
	"owner" text COLLATE "C" NOT NULL,
	"until" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sinks" (
	"sink_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"cursor" bigint NOT NULL
);
--> statement-breakpoint
DROP INDEX "connections_external_id";--> statement-breakpoint
DROP INDEX "connections_object_id";--> statement-breakpoint
DROP INDEX "connections_directory_id";--> statement-breakpoint
DROP INDEX "connections_username";--> statement-breakpoint
ALTER TABLE "connections" ADD COLUMN "idle_told" bigint;--> statement-breakpoint
ALTER TABLE "credentials" ADD COLUMN "reminder_time" bigint DEFAULT 0;--> statement-breakpoint
ALTER TABLE "credentials" ADD COLUMN "told_days" bigint;--> statement-breakpoint
ALTER TABLE "credentials" ADD COLUMN "told_end" bigint;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "cause" text COLLATE "C";--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "severity" text COLLATE "C" DEFAULT 'INFO' NOT NULL;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "expiry_thresholds" jsonb;--> statement-breakpoint
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_sequence_outbox_sequence_fk" FOREIGN KEY ("sequence") REFERENCES "public"."outbox"("sequence") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "deliveries_next_time" ON "deliveries" USING btree ("sink_id","next_time","sequence") WHERE next_time IS NOT NULL;--> statement-breakpoint
CREATE INDEX "deliveries_parked" ON "deliveries" USING btree ("sink_id","sequence") WHERE next_time IS NULL;--> statement-breakpoint
CREATE INDEX "deliveries_sequence" ON "deliveries" USING btree ("sequence");--> statement-breakpoint
CREATE INDEX "connections_idle" ON "connections" USING btree ("last_refresh_time") WHERE grant_state = 'ACTIVE' AND idle_told IS DISTINCT FROM last_refresh_time;--> statement-breakpoint
CREATE INDEX "credentials_expire_time" ON "credentials" USING btree ("expire_time","uid");--> statement-breakpoint
CREATE INDEX "credentials_reminder_time" ON "credentials" USING btree ("reminder_time") WHERE reminder_time IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "outbox_cause" ON "outbox" USING btree ("cause") WHERE cause IS NOT NULL;--> statement-breakpoint
CREATE INDEX "connections_external_id" ON "connections" USING btree ("external_id","tenant_id","connection_id") WHERE external_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX "connections_object_id" ON "connections" USING btree ("object_id","tenant_id","connection_id") WHERE object_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX "connections_directory_id" ON "connections" USING btree ("directory_id","tenant_id","connection_id") WHERE directory_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX "connections_username" ON "connections" USING btree ("username_index") WHERE username_index IS NOT NULL;