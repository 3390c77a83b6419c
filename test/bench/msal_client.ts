import { ConfidentialClientApplication, LogLevel } from '@azure/msal-node';
import { CLIENT_ID, CLIENT_SECRET, DIRECTORY_ID, GRAPH, newRefreshToken, PERMISSIONS } from './fake_entra.ts';

/**
 * The process to compare a refresh with: only MSAL, which redeems as fast as it can. Nothing is sealed, stored or shared.
 * Each exchange has a new client, because MSAL's cache would make each exchange slower than the one before.
 */
export interface MsalRun {
  readonly url: string;
  readonly inFlight: number;
  readonly seconds: number;
}

export interface MsalResult {
  readonly redemptions: number;
  readonly seconds: number;
  /** Microseconds of CPU. */
  readonly cpu: number;
  readonly latencies: readonly number[];
}

process.on('message', (message: { run?: MsalRun }) => {
  if (message.run !== undefined) void redeemFor(message.run).then((result) => process.send?.({ result }));
});
// The probe lets an idle process exit, but this one serves the channel.
process.channel?.ref();
process.send?.({ ready: true });

async function redeemFor({ url, inFlight, seconds }: MsalRun): Promise<MsalResult> {
  const start = performance.now();
  const end = start + seconds * 1_000;
  const cpuBefore = process.cpuUsage();
  const latencies: number[] = [];
  async function keepRedeeming(): Promise<void> {
    // Entra does not revoke redeemed tokens, so one token is enough.
    const refreshToken = newRefreshToken();
    while (performance.now() < end) {
      const sent = performance.now();
      await redeem(url, refreshToken);
      latencies.push((performance.now() - sent) * 1_000);
    }
  }
  await Promise.all(Array.from({ length: inFlight }, keepRedeeming));
  const { user, system } = process.cpuUsage(cpuBefore);
  const took = (performance.now() - start) / 1_000;
  return { redemptions: latencies.length, seconds: took, cpu: user + system, latencies };
}

async function redeem(url: string, refreshToken: string): Promise<void> {
  const client = new ConfidentialClientApplication({
    auth: {
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      authority: `https://login.bench.example/${DIRECTORY_ID}`,
      knownAuthorities: ['login.bench.example'],
      authorityMetadata: JSON.stringify({
        token_endpoint: `${url}/${DIRECTORY_ID}/oauth2/v2.0/token`,
        authorization_endpoint: `${url}/${DIRECTORY_ID}/oauth2/v2.0/authorize`,
        issuer: `${url}/${DIRECTORY_ID}/v2.0`,
        jwks_uri: `${url}/${DIRECTORY_ID}/discovery/v2.0/keys`,
      }),
    },
    system: { loggerOptions: { loggerCallback: () => {}, logLevel: LogLevel.Error } },
  });
  const result = await client.acquireTokenByRefreshToken({
    refreshToken,
    scopes: PERMISSIONS.map((name) => `${GRAPH}/${name}`),
  });
  if (result === null || result.accessToken === '') throw new Error('MSAL answered no token');
}
