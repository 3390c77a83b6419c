import { Webhook } from 'standardwebhooks';
import type { Timestamp } from '../model/clock.ts';
import type { Secret } from '../model/secret.ts';

/** By every secret, so that the receiver may know the old or the new one (Standard Webhooks, "Signature scheme"). */
export function signatureOf(id: string, body: string, secrets: readonly Secret[], time: Timestamp): string {
  // Made anew each time: it shows its key to whoever prints it.
  return secrets.map((secret) => new Webhook(secret.reveal()).sign(id, new Date(time), body)).join(' ');
}
