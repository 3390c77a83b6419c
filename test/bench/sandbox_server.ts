import { startSandbox } from '../../src/sandbox/start_sandbox.ts';

/**
 * The sandbox in a process of its own, its address told to the parent. `argv[2]`: how it signs. RS256 is what Entra does, and gives
 * tokens of Entra's size; ES256 costs a tenth of the CPU, so that a refresh measures who asks and not who answers. `argv[3]`: seconds that its access tokens live.
 */
const sandbox = await startSandbox({
  algorithm: process.argv[2] === 'ES256' ? 'ES256' : 'RS256',
  loopGuard: false,
  accessTokenLifetime: process.argv[3] === undefined ? undefined : Number(process.argv[3]),
});
process.send?.({ url: sandbox.url });
process.once('SIGTERM', () => void sandbox.close().then(() => process.exit(0)));
