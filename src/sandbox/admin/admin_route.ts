import { z } from 'zod';
import type { HttpResponse } from '../http/http_response.ts';
import type { Sandbox } from '../sandbox.ts';
import type { SandboxState } from '../state/state.ts';

/** One line of the admin API. `example` is a body that works when pasted (snake_case names). */
export interface AdminRoute {
  method: 'GET' | 'POST' | 'DELETE';
  /** `:name` stands for one part. */
  path: string;
  does: string;
  example?: Record<string, unknown>;
  run(call: AdminCall): Promise<AdminResult> | AdminResult;
}

export interface AdminCall {
  world: SandboxState;
  sandbox: Sandbox;
  params: Record<string, string>;
  query: URLSearchParams;
  method: string;
  contentType: string;
  rawBody: string;
  /** Names already in camelCase. */
  body: unknown;
}

/** Plain data (sent with 200 and snake_case names), nothing (204), or a whole answer. */
export type AdminResult = { data: unknown } | { answer: HttpResponse } | undefined;

/** Reads the body by a schema; a misfit becomes a 400 that names the field. */
export function bodyOf<Schema extends z.ZodType>(call: AdminCall, schema: Schema): z.output<Schema> {
  return schema.parse(call.body ?? {});
}

export function param(call: AdminCall, name: string): string {
  return call.params[name] ?? '';
}

const text = z.string().min(1);

export const secretBody = z.strictObject({
  value: text.optional(),
  hint: z.string().nullable().optional(),
  displayName: text.optional(),
  startTime: z.number().optional(),
  endTime: z.number().optional(),
  replicationDelay: z.number().optional(),
});

export const policyBody = z.strictObject({
  code: z.int(),
  resource: text.optional(),
  clientId: text.optional(),
  error: text.optional(),
  suberror: text.nullable().optional(),
  status: z.int().min(200).max(599).optional(),
  claims: text.optional(),
  description: text.optional(),
  errorCodes: z.array(z.int()).optional(),
  satisfiedBySignIn: z.boolean().optional(),
});

export const federatedBody = z
  .strictObject({ issuer: text, subject: text, audience: text.optional(), publicKey: text.optional() })
  .transform(({ issuer, subject, audience, publicKey }) => ({
    issuer,
    subject,
    ...(audience === undefined ? {} : { audience }),
    ...(publicKey === undefined ? {} : { publicKey }),
  }));

export const appBody = z.strictObject({
  clientId: z.uuid().optional(),
  displayName: text.optional(),
  publisherVerified: z.boolean().optional(),
  directoryId: text.optional(),
  audience: text.optional(),
  redirectUris: z.array(text).optional(),
  spaRedirectUris: z.array(text).optional(),
  publicClient: z.boolean().optional(),
  secrets: z.array(secretBody).optional(),
  certificates: z.array(text).optional(),
  federatedCredentials: z.array(federatedBody).optional(),
  permissions: z.array(text).optional(),
  applicationPermissions: z.array(text).optional(),
  owners: z.array(text).optional(),
  secretReplicationDelay: z.number().min(0).optional(),
});
