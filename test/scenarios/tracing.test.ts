import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { ImportConnectionRequest_Verify } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_SECRET } from '../../src/sandbox/state/seed_data.ts';
import { startOtlpReceiver } from '../telemetry/otlp_receiver.ts';
import { importAda, registerAcme } from './onboard.ts';
import { createClients } from './start_scenario.ts';
import { serveProgram } from './vault_program.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLER_SPAN_ID = 'b7ad6b7169203331';

/** As OpenTelemetry's instrumentation of grpc-js does in a product. */
const sendsTraceContext: Interceptor = (options, nextCall) =>
  new InterceptingCall(nextCall(options), {
    start(metadata, listener, next) {
      metadata.set('traceparent', `00-${TRACE_ID}-${CALLER_SPAN_ID}-01`);
      next(metadata, listener);
    },
  });

async function startTraced(environment: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'tracing-'));
  const sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false });
  const receiver = await startOtlpReceiver();
  const vault = await serveProgram(
    folder,
    { SANDBOX: sandbox.url, AUDIT_FILE: join(folder, 'audit.jsonl') },
    { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...environment },
  );
  const plain = createClients(vault.addresses, {});
  const traced = createClients(vault.addresses, { channel: { interceptors: [sendsTraceContext] } });
  onTestFinished(async () => {
    plain.close();
    traced.close();
    await vault.stop();
    await receiver.close();
    await sandbox.close();
    rmSync(folder, { recursive: true });
  });
  return { folder, sandbox, receiver, vault, plain, traced };
}

test('a call from the client through the vault to Entra is one trace', async () => {
  const { folder, sandbox, receiver, vault, plain, traced } = await startTraced({});
  const acme = await registerAcme(plain);
  const verify = ImportConnectionRequest_Verify.ON_FIRST_USE;
  const connection = await importAda({ ...plain, sandbox }, acme, 'ada', { verify });
  const { accessToken } = await traced.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] });
  const { stderr } = await vault.stop();

  const spans = receiver.spans.filter(({ traceId }) => traceId === TRACE_ID);
  const named = (name: string) => spans.filter((span) => span.name === name);
  const [call] = named('tokenvault.v1.TokenService/GetAccessToken');
  expect(call).toMatchObject({
    parentId: CALLER_SPAN_ID,
    attributes: { 'tokenvault.tenant': 'acme', 'tokenvault.status': 'OK', 'tokenvault.token_source': 'ENTRA' },
  });
  for (const name of ['token exchange', 'database commit', 'seal'])
    expect(named(name)[0]?.parentId, name).toBe(call?.spanId);

  const [exchange] = named('token exchange');
  const traceparent = `00-${TRACE_ID}-${exchange?.spanId}-01`;
  expect(sandbox.requests().map((request) => request.traceparent)).toContain(traceparent);

  const callContext = `"traceparent":"00-${TRACE_ID}-${call?.spanId}-01"`;
  expect(readFileSync(join(folder, 'audit.jsonl'), 'utf8')).toContain(callContext);
  expect(stderr).toContain(callContext);

  const exported = Buffer.concat(receiver.bodies).toString('latin1');
  for (const secret of [accessToken, ACME_SECRET, 'ada', 'contoso']) expect(exported).not.toContain(secret);
});

test('calls without a trace context are traced by the ratio', async () => {
  const { receiver, vault, plain, traced } = await startTraced({ OTEL_TRACES_SAMPLER_ARG: '0' });
  await plain.tenants.listTenants({});
  await traced.tenants.listTenants({});
  await vault.stop();
  expect(receiver.spans.map(({ traceId }) => traceId)).toEqual([TRACE_ID]);
});
