DROP INDEX "connections_idle";--> statement-breakpoint
ALTER TABLE "connections" ADD COLUMN "resource_issues" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
CREATE INDEX "connections_idle" ON "connections" USING btree ("last_refresh_time") WHERE keep_alive_time IS NOT NULL AND idle_told IS DISTINCT FROM last_refresh_time;