import { newApiKey } from '../../src/model/api_key.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A caller of a callers file; `rules` get ids `r1`, `r2`, … unless they have some. */
export interface WrittenCaller {
  readonly id: string;
  /** Of its API key; undefined: it has none. */
  readonly sha256?: string;
  readonly certificates?: readonly Fields[];
  readonly tokens?: readonly Fields[];
  readonly expireTime?: string;
  readonly rules: readonly Fields[];
}

/** The text of a callers file. JSON is YAML. An administrator without a known key is added. */
export function callersFile(...callers: readonly WrittenCaller[]): string {
  return callersFileOf({ callers });
}

export function callersFileOf(parts: {
  /** Of the tokens. */
  readonly issuers?: readonly Fields[];
  readonly callers: readonly WrittenCaller[];
}): string {
  const admin = { id: 'root', sha256: newApiKey('root').sha256, rules: [{ role: 'admin', tenants: ['*'] }] };
  const content = {
    version: 1,
    ...(parts.issuers && { issuers: parts.issuers }),
    callers: [...parts.callers, admin].map(
      ({ id, sha256, expireTime, certificates, tokens, rules }: WrittenCaller) => ({
        id,
        ...(sha256 && { api_keys: [{ id: 'k1', sha256, expire_time: expireTime ?? '2100-01-01T00:00:00Z' }] }),
        ...(certificates && { certificates }),
        ...(tokens && { tokens }),
        rules: rules.map((rule, at) => ({ id: `r${at + 1}`, ...rule })),
      }),
    ),
    end: true,
  };
  return `${JSON.stringify(content, undefined, 1)}\n`;
}
