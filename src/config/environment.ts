import { z } from 'zod';
import { isAddress, isLoopback, isLoopbackAddress } from './address.ts';

const address = z.string().refine(isAddress, 'must be host:port (such as 127.0.0.1:50051) or unix:/path');
const url = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
    'must be an absolute http or https URL',
  )
  .transform((text) => text.replace(/\/+$/, ''));
const customUrl = url.refine(
  (text) => new URL(text).protocol === 'https:' || isLoopback(new URL(text).hostname),
  'may be plain http on loopback only, since secrets travel there',
);
const sandboxUrl = url.refine((text) => isLoopback(new URL(text).hostname), 'must be on loopback');
const file = z.string().min(1, 'must be a path');

/** One row a variable; names without the prefix `TOKENVAULT_`. */
export const environment = z
  .object({
    GRPC_ADDRESS: address.default('127.0.0.1:50051'),
    ADMIN_ADDRESS: address.default('127.0.0.1:50052'),
    WEB_ADDRESS: address.default('127.0.0.1:8080'),
    OPS_ADDRESS: address.default('127.0.0.1:9090'),
    PUBLIC_URL: url.default('http://127.0.0.1:8080'),
    TLS_CERT_FILE: file.optional(),
    TLS_KEY_FILE: file.optional(),
    TLS_CLIENT_CA_FILE: file.optional(),
    PLAINTEXT: z.enum(['loopback', 'mesh'], 'must be loopback or mesh').default('loopback'),
    DATABASE_URL: z
      .string()
      .refine((text) => /^(sqlite:.+|postgres(ql)?:\/\/.+)$/.test(text), 'must be sqlite:PATH or postgres://…')
      .refine(
        (text) => !/^postgres.*:\/\/[^/]*:[^/]*@/.test(text),
        'must not hold a password; name a file in TOKENVAULT_DATABASE_PASSWORD_FILE',
      )
      .default('sqlite:./data/vault.db'),
    DATABASE_PASSWORD_FILE: file.optional(),
    KEY_SOURCE: z
      .string()
      .refine(
        (text) => /^(file:.+|keyvault-secret:https:\/\/.+)$/.test(text),
        'must be file:PATH or keyvault-secret:https://…',
      )
      .default('file:./keys/kek'),
    CALLERS_FILE: file.optional(),
    CATALOGS_DIR: file.optional(),
    AUDIT_FILE: file.default('./data/audit.jsonl'),
    AUDIT_ROTATE_BYTES: z.coerce
      .number('must be a number of bytes')
      .int()
      .min(2 ** 20, 'must be at least 1048576')
      .default(2 ** 30),
    CUSTOM_CLOUD_LOGIN_URL: customUrl.optional(),
    SANDBOX: z
      .union([z.enum(['on', 'off']), sandboxUrl], 'must be on, off, or the http address of a sandbox on loopback')
      .default('off'),
    SANDBOX_ADDRESS: address.refine((text) => isLoopbackAddress(text), 'must be on loopback').default('127.0.0.1:8400'),
    LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error'], 'must be debug, info, warn or error').default('info'),
  })
  .strict();

export type Environment = z.infer<typeof environment>;
