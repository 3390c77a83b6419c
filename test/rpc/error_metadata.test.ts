import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AppService } from '../../src/gen/tokenvault/v1/app_service_pb.ts';
import { ConnectionService } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { TenantService } from '../../src/gen/tokenvault/v1/tenant_service_pb.ts';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { REASONS, type Reason, VaultError } from '../../src/model/errors.ts';
import type { RpcError } from '../../src/rpc/grpc_client.ts';
import { sourceFiles } from '../architecture/import_graph.ts';
import { KEYS } from './metadata_of_reasons.ts';
import { type Stage, startStage } from './stage.ts';

/** Keys that the RPC layer adds, from the call. */
const ADDED: readonly string[] = ['resource', 'request', 'caller'];

/** Errors that no RPC method answers: browser flows, and files that are wrapped in an error of the field. */
const NOT_ANSWERED = ['entra/exchange/federated_assertion_reader.ts'];

interface Thrown {
  readonly path: string;
  readonly reason: Reason | undefined;
  readonly keys: readonly string[];
}

/** Values that look like objects: template literals, and arguments of functions. */
const VALUES = /`[^`]*`|\w+\([^()]*\)/g;

/** All errors that the sources construct. `reason` is undefined if it is not a literal. */
function thrownErrors(): Thrown[] {
  return sourceFiles().flatMap(({ path, text }) =>
    text
      .split('new VaultError(')
      .slice(1)
      .map((rest) => {
        const call = rest.slice(0, closingBracket(rest));
        const literal = /^\s*'([A-Z_]+)'/.exec(call)?.[1];
        const reason = REASONS.find((one) => one === literal);
        const metadata = /metadata: (\{.*)/s.exec(call)?.[1] ?? '';
        const body = `${metadata.slice(0, 1 + closingBracket(metadata.slice(1)))}}`.replace(VALUES, '');
        const keys = [...body.matchAll(/[{,]\s*(\w+)(?=\s*[:,}])/g)].map(([, key = '']) => key);
        return { path, reason, keys };
      }),
  );
}

/** Index of the bracket that closes what is open before `text`. */
function closingBracket(text: string): number {
  let open = 1;
  for (const [index, character] of [...text].entries()) {
    if ('([{'.includes(character)) open += 1;
    if (')]}'.includes(character)) open -= 1;
    if (open === 0) return index;
  }
  return text.length;
}

describe('metadata of errors', () => {
  let stage: Stage;
  let reason: Reason;
  const fail = () => {
    throw new VaultError(reason, 'failed');
  };

  beforeAll(async () => {
    stage = await startStage({
      tenants: { get: fail, suspend: fail },
      apps: { get: fail, list: fail },
      connections: { get: fail, delete: fail },
      accessTokens: { get: fail, getForApp: fail },
    });
  });
  afterAll(() => stage.close());

  function calls(): Promise<unknown>[] {
    const [tenant, app] = ['tenants/acme', 'tenants/acme/apps/default'];
    const connection = 'tenants/acme/connections/ada';
    return [
      stage.client(TenantService).getTenant({ name: tenant }),
      stage.client(TenantService).suspendTenant({ name: tenant }),
      stage.client(AppService).getApp({ name: app }),
      stage.client(AppService).listApps({ parent: tenant }),
      stage.client(ConnectionService).getConnection({ name: connection }),
      stage.client(ConnectionService).deleteConnection({ name: connection }),
      stage.client(TokenService).getAccessToken({ connection }),
      stage.client(TokenService).getAppAccessToken({ app, resource: 'https://graph.microsoft.com' }),
    ];
  }

  test.each(REASONS)('%s: the RPC layer adds the same keys in each method', async (one) => {
    reason = one;
    const expected = one === 'TTL_UNATTAINABLE' ? [] : (KEYS[one] ?? []).filter((key) => ADDED.includes(key));
    const failures = await Promise.all(calls().map((call) => call.catch((error: RpcError) => error)));
    expect(failures.map((failure) => (failure as RpcError).reason)).toEqual(failures.map(() => one));
    expect(failures.map((failure) => Object.keys((failure as RpcError).metadata))).toEqual(
      failures.map(() => expected),
    );
  });

  test('of a missing tenant name the tenant, whatever the call is about', async () => {
    reason = 'TENANT_NOT_FOUND';
    for (const call of calls()) await expect(call).rejects.toMatchObject({ metadata: { resource: 'tenants/acme' } });
  });

  test('have the keys of their reason wherever the source constructs them', () => {
    const missing = thrownErrors()
      .filter(({ path }) => !NOT_ANSWERED.includes(path))
      .flatMap(({ path, reason, keys }) =>
        (reason === undefined ? [] : (KEYS[reason] ?? []))
          .filter((key) => !ADDED.includes(key) && !keys.includes(key))
          .map((key) => `${path}: ${reason} without ${key}`),
      );
    expect(missing).toEqual([]);
  });
});
