import type { GetAccessTokenResponse } from '../gen/tokenvault/v1/token_service_pb.ts';
import { CONNECTION } from './cast.ts';
import type { Clients } from './clients.ts';
import type { Narrator } from './narrator.ts';
import type { Program } from './program.ts';
import type { Stage } from './stage.ts';

/** What the steps do again and again. */
export interface Scene extends Stage, Clients {
  readonly tell: Narrator;
  /** Started by one step, killed or stopped by another. */
  vault: Program | undefined;
  /** The token that the whole story is about. */
  token(): Promise<GetAccessTokenResponse>;
  /** Tells what a person would type for a call. */
  typed(address: string, method: string, request: object): void;
  typedToken(): void;
  /** Moves the clock of Entra, and of the vault that follows it. */
  later(hours: number): Promise<void>;
  /** How often Entra was asked until now. */
  exchanges(): Promise<number>;
}

const HOUR = 3_600_000;

export function createScene(stage: Stage, clients: Clients, tell: Narrator): Scene {
  const { entra } = stage;
  const request = { connection: CONNECTION, scopes: ['Mail.ReadOnly'] };
  const typed: Scene['typed'] = (address, method, body) =>
    tell.command(`grpcurl -plaintext -d '${JSON.stringify(body)}' ${address} tokenvault.v1.${method}`);
  return {
    ...stage,
    ...clients,
    tell,
    vault: undefined,
    token: () => clients.tokens.getAccessToken(request),
    typed,
    typedToken: () => typed(stage.grpcAddress, 'TokenService/GetAccessToken', request),
    async later(hours) {
      tell.command(`curl -s ${entra.url}/sandbox/clock -d '{"advance_ms":${hours * HOUR}}'`);
      await entra.tell('clock', { advance_ms: hours * HOUR });
    },
    exchanges: async () => (await entra.redemptions()).length,
  };
}
