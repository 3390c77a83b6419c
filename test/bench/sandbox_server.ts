import { startSandbox } from '../../src/sandbox/start_sandbox.ts';

/**
 * The sandbox in its own process, which sends its URL to the parent. `argv[2]`: the signing algorithm. RS256 is that of Entra, and
 * gives tokens of Entra's size; ES256 costs a tenth of the CPU, so that a refresh measures the client. `argv[3]`: lifetime of access
 * tokens in seconds. `argv[4]`: milliseconds until each answer of the token endpoint.
 */
const sandbox = await startSandbox({
  userConsent: 'legacy',
  algorithm: process.argv[2] === 'ES256' ? 'ES256' : 'RS256',
  loopGuard: false,
  accessTokenLifetime: process.argv[3] === undefined ? undefined : Number(process.argv[3]),
});
const latency = Number(process.argv[4] ?? 0);
if (latency > 0) sandbox.injectFault({ kind: 'latency', milliseconds: latency, endpoint: 'token', untilRemoved: true });
process.send?.({ url: sandbox.url });
process.once('SIGTERM', () => void sandbox.close().then(() => process.exit(0)));
