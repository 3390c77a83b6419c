import type { ConnectionFault } from '../https_client/connection_fault.ts';

/** Why an attempt failed, as a closed set of codes: messages of other components may contain addresses. */
export type DeliveryError =
  | `HTTP ${number}`
  | 'redirect'
  | ConnectionFault
  /** The event could not be serialized: a defect of the vault. */
  | 'unsendable';

/** Whether other events would fail too. A sink that rejects one event (400, 413, 422) may accept the others. */
export function affectsSink(error: DeliveryError): boolean {
  return error !== 'unsendable' && !/^HTTP (400|413|422)$/.test(error);
}
