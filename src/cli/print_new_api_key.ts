import { newApiKey } from '../model/api_key.ts';

/** Prints the key, which is not stored; the callers file has its hash. */
export function printNewApiKey(caller: string, json: boolean): void {
  const { key, sha256 } = newApiKey(caller);
  if (json) {
    console.log(JSON.stringify({ caller, api_key: key, sha256 }));
    return;
  }
  console.log(`API key, for the caller only (it is not stored):\n\n  ${key}\n`);
  console.log(`In the callers file, TOKENVAULT_CALLERS_FILE:\n
callers:
  - id: ${caller}
    api_keys:
      - id: k1
        sha256: ${sha256}
    rules:
      - id: ${caller}-reads
        role: token_reader
        tenants: ['*']`);
}
