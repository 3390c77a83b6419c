export type { FakeFailure } from './fake_failure.ts';
export type { FakeTokenRequest } from './fake_token_issuer.ts';
export { type FakeVault, startFakeVault } from './start_fake_vault.ts';
