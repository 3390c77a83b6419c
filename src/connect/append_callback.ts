import type { Timestamp } from '../model/clock.ts';
import type { Reason } from '../model/errors.ts';
import type { ConnectParts } from './connect_parts.ts';

/** Answers why it could not be written down; undefined: it was. */
export function appendCallback(
  { auditLog, clock }: Pick<ConnectParts, 'auditLog' | 'clock'>,
  entry: {
    readonly started: Timestamp;
    readonly requestId: string;
    readonly method: 'web/callback' | 'web/admin-consent';
    readonly resource: string;
    readonly outcome: 'GRANTED' | Reason;
  },
): Promise<Reason | undefined> {
  const { started, requestId, method, resource, outcome } = entry;
  return new Promise((resolve) =>
    auditLog.append(
      {
        time: started,
        requestId,
        caller: 'browser',
        credentialId: '',
        rule: '',
        method,
        resource,
        status: outcome === 'GRANTED' ? 'OK' : outcome,
        duration: clock.now() - started,
      },
      (error) => resolve(error?.reason),
    ),
  );
}
