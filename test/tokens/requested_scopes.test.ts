import { beforeAll, expect, test } from 'vitest';
import { createBoundedCache } from '../../src/model/bounded_cache.ts';
import type { ResourceIssue } from '../../src/model/connection_resource_issue.ts';
import type { VaultError } from '../../src/model/errors.ts';
import type { Scopes } from '../../src/scopes/scope_translator_interface.ts';
import { resolveScopes } from '../../src/tokens/check_requested_scopes_are_granted.ts';
import type { ConnectionSnapshot } from '../../src/tokens/connection_snapshot_cache.ts';
import { openScopes } from '../scopes/open_scopes.ts';

const GRAPH = 'https://graph.microsoft.com';
const OUTLOOK = 'https://outlook.office.com';
const IMAP = 'IMAP.AccessAsUser.All';

let scopes: Scopes;
beforeAll(async () => {
  scopes = await openScopes();
});

interface Grant {
  readonly granted?: Readonly<Record<string, readonly string[]>>;
  readonly productScopes?: readonly string[];
  /** Requested in vain so far, by resource; null: not known. */
  readonly issues?: Readonly<Record<string, readonly string[] | null>>;
  readonly catalog?: string;
}

function snapshotOf({ granted = {}, productScopes = [], issues = {}, catalog = 'aurinko' }: Grant): ConnectionSnapshot {
  const resourceIssues = Object.fromEntries(
    Object.entries(issues).map(([uri, requested]) => [uri, { requested: requested ?? undefined } as ResourceIssue]),
  );
  return {
    catalog,
    app: { cloud: 'GLOBAL' },
    connection: { tenantId: 'acme', connectionId: 'ada', granted, productScopes, resourceIssues },
    resolvedScopes: createBoundedCache(64),
  } as unknown as ConnectionSnapshot;
}

const mailOnly = { granted: { [GRAPH]: ['Mail.Read'] }, productScopes: ['Mail.ReadOnly'] };

/** The translated scopes, or the refusal. */
function request(snapshot: ConnectionSnapshot, ...requested: string[]) {
  try {
    return resolveScopes(scopes, snapshot, requested);
  } catch (error) {
    const { reason, metadata } = error as VaultError;
    return { reason, metadata };
  }
}

test('requested scopes that the grant covers are translated, and no scopes mean those of the connection', () => {
  const snapshot = snapshotOf(mailOnly);
  const mail = { resource: GRAPH, permissions: ['Mail.Read'] };
  for (let i = 0; i < 2; i++) {
    expect(request(snapshot, 'Mail.ReadOnly')).toMatchObject(mail);
    expect(request(snapshot)).toMatchObject(mail);
  }
});

test('each list of scopes is checked of its own', () => {
  const snapshot = snapshotOf(mailOnly);
  request(snapshot);
  request(snapshot, 'Mail.ReadOnly');

  expect(request(snapshot, 'Mail.Send')).toMatchObject({ reason: 'SCOPE_NOT_GRANTED' });
  expect(request(snapshot, 'Mail.ReadOnly', 'Mail.Send')).toMatchObject({ reason: 'SCOPE_NOT_GRANTED' });
  expect(request(snapshot, 'Mail.Send', 'Mail.ReadOnly')).toMatchObject({ reason: 'SCOPE_NOT_GRANTED' });
});

test('a list of scopes is remembered, unless its text is long', () => {
  const snapshot = snapshotOf(mailOnly);
  request(snapshot, ...Array<string>(35).fill('Mail.ReadOnly'));
  request(snapshot, ...Array<string>(36).fill('Mail.ReadOnly'));
  expect(snapshot.resolvedScopes.size).toBe(1);
});

test.each<[string, Grant, string[], string, string[], string]>([
  ['was never requested', mailOnly, ['Mail.Send'], 'SCOPE_NOT_GRANTED', ['Mail.Send'], GRAPH],
  [
    'was requested when the user connected',
    { ...mailOnly, productScopes: ['Mail.ReadOnly', 'Mail.Send'] },
    ['Mail.Send'],
    'CONSENT_REQUIRED',
    ['Mail.Send'],
    GRAPH,
  ],
  [
    'was requested only in part',
    { ...mailOnly, productScopes: ['Mail.ReadOnly', 'Mail.Send'] },
    ['Mail.Send', 'Calendar.ReadOnly'],
    'SCOPE_NOT_GRANTED',
    ['Calendars.Read', 'Mail.Send'],
    GRAPH,
  ],
  [
    'the catalog does not know any more',
    { ...mailOnly, productScopes: ['Mail.Unknown'] },
    ['Mail.Send'],
    'SCOPE_NOT_GRANTED',
    ['Mail.Send'],
    GRAPH,
  ],
  [
    'is of another resource',
    { ...mailOnly, catalog: 'microsoft', productScopes: ['Mail.Read'] },
    [`${OUTLOOK}/${IMAP}`],
    'SCOPE_NOT_GRANTED',
    [IMAP],
    OUTLOOK,
  ],
  ['is everything of another resource', mailOnly, [`${OUTLOOK}/.default`], 'SCOPE_NOT_GRANTED', [], OUTLOOK],
])('what is not granted and %s is named', (_, grant, requested, reason, missing, resourceUri) => {
  const refused = request(snapshotOf(grant), ...requested);

  expect(refused).toMatchObject({
    reason,
    metadata: { resource: 'tenants/acme/connections/ada', resourceUri, nextStep: 'StartAuthorization' },
  });
  const named = (refused as VaultError).metadata['missing'];
  expect(named?.split(' ').toSorted()).toEqual(
    missing.length === 0 ? [''] : missing.map((permission) => `${resourceUri}/${permission}`),
  );
});

test.each<[string, readonly string[] | null, string[], boolean]>([
  ['what was requested in vain', [IMAP], [IMAP], true],
  ['more than was requested in vain', [IMAP], ['SMTP.Send'], false],
  ['anything while nothing is known', null, ['SMTP.Send'], true],
])('of a refused resource, %s is for Entra to decide', (_, known, requested, isDecidedByEntra) => {
  const snapshot = snapshotOf({ ...mailOnly, catalog: 'microsoft', issues: { [OUTLOOK]: known } });

  expect(request(snapshot, ...requested.map((permission) => `${OUTLOOK}/${permission}`))).toMatchObject(
    isDecidedByEntra ? { resource: OUTLOOK, permissions: requested } : { reason: 'SCOPE_NOT_GRANTED' },
  );
});
