import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../model/clock.ts';
import type { HttpProxy } from '../model/http_proxy.ts';
import type { Every } from '../model/monotonic_timers.ts';
import { issuerNames, type TokenIssuer } from '../model/token_issuer.ts';
import type { Log } from '../telemetry/log_events.ts';
import { createIssuerKeys, type IssuerKeys } from './issuer_keys.ts';
import { createJwksLoader } from './load_jwks.ts';

/** The issuers in use, with their keys. */
export interface TokenIssuers {
  /** By what a token names as its issuer. */
  find(issuerName: string): OpenIssuer | undefined;
  /** Replaces the issuers. One that did not change keeps its keys. */
  use(issuers: readonly TokenIssuer[]): void;
  /** Issuers whose keys cannot be read. */
  faults(): readonly IssuerFault[];
  /** Calls `listener` after keys were removed by their issuer. */
  onKeysRemoved(listener: () => void): void;
  close(): void;
}

export interface OpenIssuer {
  readonly issuer: TokenIssuer;
  readonly keys: IssuerKeys;
}

export interface IssuerFault {
  readonly issuerId: string;
  /** Undefined: no fault. */
  readonly fault: string | undefined;
}

export function createTokenIssuers(parts: {
  readonly proxy: HttpProxy | undefined;
  readonly clock: Clock;
  readonly every: Every;
  readonly log: Log;
}): TokenIssuers {
  const { proxy, clock, every, log } = parts;
  const listeners = new Set<() => void>();
  let opened: readonly OpenIssuer[] = [];
  let byName: ReadonlyMap<string, OpenIssuer> = new Map();

  function open(issuer: TokenIssuer): OpenIssuer {
    const { id } = issuer;
    const listener = {
      onLoaded: (keys: number) => log.event('info', 'issuer_keys_loaded', { issuer: id, keys }),
      onFailed: (message: string) => log.event('error', 'issuer_keys_unavailable', { issuer: id, message }),
      onRemoved() {
        for (const one of listeners) one();
      },
    };
    return { issuer, keys: createIssuerKeys({ loader: createJwksLoader(issuer.jwks, proxy), listener, clock, every }) };
  }

  return {
    find: (issuerName) => byName.get(issuerName),
    use(issuers) {
      const next = issuers.map(
        (issuer) => opened.find((known) => isDeepStrictEqual(known.issuer, issuer)) ?? open(issuer),
      );
      for (const known of opened) if (!next.includes(known)) known.keys.close();
      opened = next;
      byName = new Map(next.flatMap((one) => issuerNames(one.issuer).map((name) => [name, one])));
    },
    faults: () => opened.map(({ issuer, keys }) => ({ issuerId: issuer.id, fault: keys.fault })),
    onKeysRemoved: (listener) => void listeners.add(listener),
    close() {
      for (const { keys } of opened) keys.close();
    },
  };
}
