import type { SandboxClock } from './movable_clock.ts';
import type { Controls } from './sandbox_controls.ts';
import type { Settings } from './state/sandbox_state.ts';

/** A running sandbox. */
export interface Sandbox extends Controls {
  /** `http://127.0.0.1:{port}`, the login host. Graph is at `/graph`, the IMAP check at `/outlook/imap-check`. */
  url: string;
  /** `imap://127.0.0.1:{port}`: Exchange's IMAP, without TLS. */
  imapUrl: string;
  /** The same over TLS; undefined: not served. `caFile`: PEM of the CA that was made at the start. */
  tls: { url: string; caFile: string } | undefined;
  clock: SandboxClock;
  /** May be changed at any time. */
  settings: Settings;
  close(): Promise<void>;
}
