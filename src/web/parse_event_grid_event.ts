import { createHash } from 'node:crypto';

/** An event of Azure Event Grid, in its own schema or as a CloudEvent. */
export interface GridEvent {
  /** Equal for repeated deliveries of one event. */
  readonly identity: string;
  /** In lower case. */
  readonly type: string;
  readonly data: Fields;
}

/** By name, in lower case, letters and digits only. */
type Fields = ReadonlyMap<string, unknown>;

/**
 * Lenient with names: Key Vault's events have both `Id` and `vaultName`, and Microsoft's own example has `objectName ` with a trailing
 * space and a version with a leading one. https://learn.microsoft.com/azure/event-grid/event-schema-key-vault
 */
export function readGridEvent(value: unknown): GridEvent | undefined {
  const event = fieldsOf(value);
  const id = textIn(event, 'id');
  const type = textIn(event, 'eventtype') ?? textIn(event, 'type');
  if (id === undefined || type === undefined) return undefined;
  // CloudEvents 1.0: source and id together identify an event.
  const source = textIn(event, 'source') ?? textIn(event, 'topic') ?? '';
  const identity = createHash('sha256')
    .update(JSON.stringify([source, id]))
    .digest('base64');
  return { identity, type: type.toLowerCase(), data: fieldsOf(event.get('data')) };
}

/**
 * The code that the endpoint must return before Event Grid sends events.
 * https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
 */
export function validationCodeIn({ data }: GridEvent): string | undefined {
  const code = textIn(data, 'validationcode');
  return code !== undefined && /^[\w-]{1,128}$/.test(code) ? code : undefined;
}

/** The URI of the event's secret. `keyVaults`: origins of the key vaults that `vaultName` may mean. */
export function secretUriIn({ data }: GridEvent, keyVaults: readonly string[]): string | undefined {
  const id = textIn(data, 'id');
  if (id !== undefined && /^https:\/\/[^/\s]+\/secrets\/[^/\s]+/i.test(id)) return id;
  const [vault, name] = [textIn(data, 'vaultname')?.toLowerCase(), textIn(data, 'objectname')];
  if (vault === undefined || name === undefined || !/^[a-z0-9-]{1,63}$/.test(vault)) return undefined;
  const origin = keyVaults.find((one) => new URL(one).hostname.split('.')[0] === vault);
  return `${origin ?? `https://${vault}.vault.azure.net`}/secrets/${name}`;
}

function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) return new Map();
  return new Map(
    Object.entries(value)
      .map(([name, field]) => [name.toLowerCase().replaceAll(/[^a-z0-9]/g, ''), field] as const)
      // Of two equal names, the first counts.
      .toReversed(),
  );
}

function textIn(fields: Fields, name: string): string | undefined {
  const value = fields.get(name);
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  return text === '' || text.length > 2_048 ? undefined : text;
}
