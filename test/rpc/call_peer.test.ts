import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import type { AuditEntry } from '../../src/audit/audit_log_interface.ts';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import type { Caller } from '../../src/model/authenticated_caller.ts';
import { createCallPipeline } from '../../src/rpc/pipeline/call_pipeline.ts';
import { freshToken, startStage } from './stage.ts';

const MAIL: Caller = { id: 'mail', kind: 'api_key', credentialId: 'k1', expireTime: undefined, rules: [] };

/** The peer in the audit entry of a call whose connection is or is not open at its start; it is closed at its end. */
async function auditedPeer(isOpen: boolean): Promise<string | undefined> {
  const entries: AuditEntry[] = [];
  const pipeline = createCallPipeline({
    authenticator: { authenticate: () => MAIL, recheck: () => MAIL, known: () => [], listen: () => () => {} },
    audit: {
      append(entry, done) {
        entries.push(entry);
        done();
      },
      fingerprint: () => '',
      writable: true,
      close: async () => {},
    },
    clock: { now: () => 0 },
  });
  let open = isOpen;
  const call = pipeline(TokenService, TokenService.method.getAccessToken).start({
    metadata: new Metadata(),
    getDeadline: () => Number.POSITIVE_INFINITY,
    on: () => undefined,
    cancelled: false,
    getAuthContext: () => ({}),
    getPeer() {
      if (open) return '10.0.0.7:40512';
      throw Object.assign(new Error('the socket was disconnected'), { code: 'ERR_HTTP2_SOCKET_UNBOUND' });
    },
  });
  call.authenticate();
  open = false;
  await new Promise<void>((resolve) => call.complete(() => resolve()));
  return entries[0]?.peer;
}

test('a call whose connection closes is audited with the address that it came from', async () => {
  expect(await auditedPeer(true)).toBe('10.0.0.7:40512');
  expect(await auditedPeer(false)).toBe('unknown');
});

test('a call on a unix socket is audited without an address', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vault-peer-'));
  const address = `unix:${join(folder, 'vault.sock')}`;
  const stage = await startStage({ accessTokens: { get: () => freshToken() }, server: { address } });
  try {
    await stage.client(TokenService).getAccessToken({ connection: 'tenants/acme/connections/ada' });
    expect(stage.audit.entries.map(({ status, peer }) => [status, peer])).toEqual([['OK', 'unknown']]);
  } finally {
    await stage.close();
    rmSync(folder, { recursive: true });
  }
});
