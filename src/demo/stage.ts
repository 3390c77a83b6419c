import type { Program } from './program.ts';
import type { PretendEntra } from './sandbox_client.ts';

/** Where the story plays. */
export interface Stage {
  readonly entra: PretendEntra;
  readonly grpcAddress: string;
  readonly adminAddress: string;
  readonly callbackUri: string;
  startEntra(): Promise<Program>;
  startVault(): Promise<Program>;
}
