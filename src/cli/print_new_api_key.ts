import { newApiKey } from '../model/api_key.ts';
import { DAY } from '../model/clock.ts';

const LIFE = 365 * DAY;

/** Prints the key, which is not stored; the callers file has its hash. */
export function printNewApiKey(caller: string, json: boolean): void {
  const { key, sha256 } = newApiKey(caller);
  const expireTime = new Date(Date.now() + LIFE).toISOString();
  if (json) {
    console.log(JSON.stringify({ caller, api_key: key, sha256, expire_time: expireTime }));
    return;
  }
  console.log(`API key, for the caller only (it is not stored):\n\n  ${key}\n`);
  console.log(`In the callers file, TOKENVAULT_CALLERS_FILE, below \`callers:\`:\n
  - id: ${caller}
    api_keys:
      - id: k1
        sha256: ${sha256}
        expire_time: ${expireTime}
    rules:
      - id: ${caller}-reads
        role: token_reader
        tenants: ['*']`);
}
