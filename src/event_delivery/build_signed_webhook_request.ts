import { CloudEvent, HTTP } from 'cloudevents';
import { Webhook } from 'standardwebhooks';
import type { Timestamp } from '../model/clock.ts';
import { eventFacts } from '../model/event_data_format.ts';
import type { Secret } from '../model/secret.ts';
import type { VaultEvent } from '../model/vault_event.ts';

/** The HTTP request that delivers an event to a sink. */
export interface WebhookRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface WebhookRequestParts {
  /** URI of the vault. */
  readonly source: string;
  readonly secrets: readonly Secret[];
  /** Of this attempt: receivers reject requests that are some minutes old. */
  readonly sendTime: Timestamp;
}

/** An event as a CloudEvent 1.0 in JSON (structured mode), signed by Standard Webhooks. All attempts have the same id. */
export function webhookRequestOf(
  event: VaultEvent,
  { source, secrets, sendTime }: WebhookRequestParts,
): WebhookRequest {
  const cloudEvent = new CloudEvent({
    specversion: '1.0',
    id: event.uid,
    source,
    type: `tokenvault.${event.type}`,
    ...(event.subject === '' ? {} : { subject: event.subject }),
    time: new Date(event.time).toISOString(),
    datacontenttype: 'application/json',
    severity: event.severity,
    data: eventFacts(event),
  });
  const { headers, body } = HTTP.structured(cloudEvent);
  const text = String(body);
  // By every secret, so that the receiver may have the old or the new one (Standard Webhooks, "Signature scheme").
  const signatures = secrets.map((secret) => new Webhook(secret.reveal()).sign(event.uid, new Date(sendTime), text));
  return {
    headers: {
      'content-type': String(headers['content-type']),
      'user-agent': 'token-vault',
      'webhook-id': event.uid,
      'webhook-timestamp': String(Math.floor(sendTime / 1_000)),
      'webhook-signature': signatures.join(' '),
    },
    body: text,
  };
}
