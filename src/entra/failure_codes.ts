import type { Reason } from '../model/errors.ts';

/** An app for several directories fails with these mostly by the doing of one directory, whose administrator must act. */
export const REASON_IN_DIRECTORY: ReadonlyMap<number, Reason> = new Map<number, Reason>([
  [700016, 'ADMIN_CONSENT_REQUIRED'],
  // As `invalid_client`, though no credential is at fault: https://github.com/Azure/azure-sdk-for-net/issues/46762
  [7000229, 'ADMIN_CONSENT_REQUIRED'],
  [500011, 'ADMIN_CONSENT_REQUIRED'],
  [650052, 'ADMIN_CONSENT_REQUIRED'],
  [650057, 'ADMIN_CONSENT_REQUIRED'],
  [7000112, 'BLOCKED_BY_POLICY'],
  [90002, 'BLOCKED_BY_POLICY'],
]);

/** What one request asked, or where, was wrong: a single connection can cause these while the app serves all others. */
export const REQUEST_SHAPED: ReadonlySet<number> = new Set([
  70011, 28000, 28002, 50001, 650053, 650057, 500011, 50194, 9001023, 90124, 90130, 9002331, 9002346,
]);
