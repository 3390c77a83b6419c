import type { SandboxClock } from './clock.ts';
import type { Controls } from './controls.ts';
import type { Fault, FaultInput } from './faults/fault.ts';
import type { RequestGate } from './faults/request_gates.ts';
import type { RequestCounts, RequestRecord } from './state/request_log.ts';
import type { Settings, TrappedRequest } from './state/state.ts';

export interface Sandbox extends Controls {
  /** `http://127.0.0.1:{port}`: the login host; Graph is at `/graph`, the IMAP check at `/outlook/imap-check`. */
  url: string;
  clock: SandboxClock;
  /** May be changed at any time. */
  settings: Settings;
  injectFault(fault: FaultInput): Fault;
  /** An unknown id throws. */
  removeFault(id: string): void;
  clearFaults(): void;
  /** The next token request stops at a gate until `release()`. */
  holdNextToken(options?: { stage?: RequestGate['stage'] }): RequestGate;
  /** The same for the next request of that operation of Graph's: `addPassword`, `removePassword`, `getApplication`, `listApplications`. */
  holdNextGraph(operation: string, options?: { stage?: RequestGate['stage'] }): RequestGate;
  /** What was asked: the latest ten thousand. */
  requests(): RequestRecord[];
  counters(): RequestCounts;
  clearRequests(): void;
  /** What followed the 307 of a `redirect` fault. */
  trapped(): TrappedRequest[];
  close(): Promise<void>;
}
