CREATE TABLE "caller_use" (
	"caller" text COLLATE "C" NOT NULL,
	"credential_id" text COLLATE "C" NOT NULL,
	"last_use_time" bigint NOT NULL,
	CONSTRAINT "caller_use_pk" PRIMARY KEY("caller","credential_id")
);
--> statement-breakpoint
CREATE TABLE "connection_callers" (
	"connection_uid" text COLLATE "C" NOT NULL,
	"caller" text COLLATE "C" NOT NULL,
	"tenant_uid" text COLLATE "C" NOT NULL,
	"last_served_time" bigint NOT NULL,
	CONSTRAINT "connection_callers_pk" PRIMARY KEY("connection_uid","caller")
);
--> statement-breakpoint
CREATE TABLE "connection_use" (
	"connection_uid" text COLLATE "C" PRIMARY KEY NOT NULL,
	"last_served_time" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "containments" (
	"subject" text COLLATE "C" PRIMARY KEY NOT NULL,
	"reason" text COLLATE "C" NOT NULL,
	"caller" text COLLATE "C" NOT NULL,
	"create_time" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "replicas" ADD COLUMN "enforces_containments" boolean;--> statement-breakpoint
ALTER TABLE "connection_callers" ADD CONSTRAINT "connection_callers_connection_uid_connections_uid_fk" FOREIGN KEY ("connection_uid") REFERENCES "public"."connections"("uid") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "connection_use" ADD CONSTRAINT "connection_use_connection_uid_connections_uid_fk" FOREIGN KEY ("connection_uid") REFERENCES "public"."connections"("uid") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "connection_callers_caller" ON "connection_callers" USING btree ("caller","tenant_uid");--> statement-breakpoint
CREATE INDEX "connection_callers_last_served_time" ON "connection_callers" USING btree ("last_served_time");