import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CREDENTIAL_KINDS, type Credential } from '../../src/model/app_credential.ts';
import { presentOrder, rolesOf } from '../../src/model/credential_presentation_order.ts';

const NOW = 1_000;

const time = fc.option(fc.integer({ min: NOW - 3, max: NOW + 3 }), { nil: undefined });
const credentials = fc
  .array(
    fc.record({
      kind: fc.constantFrom(...CREDENTIAL_KINDS),
      verdict: fc.constantFrom('UNPROBED', 'VALID', 'REJECTED'),
      notBefore: time,
      expireTime: time,
      preferTime: time,
    }),
    { maxLength: 7 },
  )
  .map((some) => some.map((given, i) => aCredential(`c${i}`, given)));

function aCredential(uid: string, given: Partial<Credential> = {}): Credential {
  return {
    uid,
    appUid: 'app-1',
    credentialId: uid,
    kind: 'CLIENT_SECRET',
    hint: '',
    notBefore: undefined,
    expireTime: undefined,
    configuredExpireTime: undefined,
    entraExpireTime: undefined,
    entraKeyId: undefined,
    verdict: 'UNPROBED',
    entraError: undefined,
    lastUsedTime: undefined,
    preferTime: undefined,
    createTime: 0,
    ...given,
  };
}

const isLiving = ({ notBefore = NOW, expireTime = NOW + 1 }: Credential) => notBefore <= NOW && expireTime > NOW;
const uids = (some: readonly Credential[]) => some.map(({ uid }) => uid);

test('every credential that is valid now is presented, once', () => {
  fc.assert(
    fc.property(credentials, (all) => {
      expect(uids(presentOrder(all, NOW)).toSorted()).toEqual(uids(all.filter(isLiving)));
    }),
  );
});

test('rejected credentials come last', () => {
  fc.assert(
    fc.property(credentials, (all) => {
      const verdicts = presentOrder(all, NOW).map(({ verdict }) => verdict === 'REJECTED');
      expect(verdicts).toEqual(verdicts.toSorted());
    }),
  );
});

test('settled credentials come first, the latest before the others', () => {
  fc.assert(
    fc.property(credentials, (all) => {
      const proven = all.filter((it) => isLiving(it) && it.preferTime !== undefined && it.verdict !== 'REJECTED');
      const first = presentOrder(all, NOW).slice(0, proven.length);
      expect(uids(first).toSorted()).toEqual(uids(proven));
      const times = first.map(({ preferTime = 0 }) => preferTime);
      expect(times).toEqual(times.toSorted((a, b) => b - a));
    }),
  );
});

test('among equals the one that was added first comes first', () => {
  fc.assert(
    fc.property(credentials, (all) => {
      const alike = all.map((it) => ({ ...it, verdict: 'VALID', preferTime: undefined }) as const);
      expect(uids(presentOrder(alike, NOW))).toEqual(uids(alike.filter(isLiving)));
    }),
  );
});

test('each has a role; with a settled credential one is preferred, and it is the first', () => {
  fc.assert(
    fc.property(credentials, (all) => {
      const roles = rolesOf(all, NOW);
      expect([...roles.keys()]).toEqual(uids(all));
      const preferred = all.filter(({ uid }) => roles.get(uid) === 'PREFERRED');
      const proven = all.filter((it) => isLiving(it) && it.preferTime !== undefined && it.verdict !== 'REJECTED');
      expect(preferred).toHaveLength(Math.min(1, proven.length));
      expect(uids(preferred)).toEqual(uids(presentOrder(all, NOW).slice(0, preferred.length)));
    }),
  );
});

test('roles follow the order of presentation', () => {
  const ranks = ['PREFERRED', 'FALLBACK', 'TRIAL', 'PROBING'];
  fc.assert(
    fc.property(credentials, (all) => {
      const roles = rolesOf(all, NOW);
      const inOrder = presentOrder(all, NOW).map(({ uid }) => ranks.indexOf(roles.get(uid) ?? ''));
      expect(inOrder).toEqual(inOrder.toSorted());
    }),
  );
});

test('one that was not tried yet is presented before a rejected one, whichever was added first', () => {
  const fresh = aCredential('fresh', { verdict: 'UNPROBED' });
  const rejected = aCredential('rejected', { verdict: 'REJECTED' });
  for (const all of [
    [fresh, rejected],
    [rejected, fresh],
  ])
    expect(presentOrder(all, NOW).map(({ credentialId }) => credentialId)).toEqual(['fresh', 'rejected']);
});

test('roles of an app during a week', () => {
  const roles = (...all: Credential[]) => [...rolesOf(all, NOW).values()];
  const old = aCredential('old', { verdict: 'VALID', preferTime: 1 });
  const fresh = aCredential('fresh');

  expect(roles(old)).toEqual(['PREFERRED']);
  expect(roles(old, fresh)).toEqual(['PREFERRED', 'PROBING']);
  expect(roles(old, { ...fresh, verdict: 'VALID' })).toEqual(['PREFERRED', 'TRIAL']);
  expect(roles(old, { ...fresh, verdict: 'VALID', preferTime: 2 })).toEqual(['FALLBACK', 'PREFERRED']);
  expect(roles(old, { ...fresh, verdict: 'REJECTED', preferTime: 2 })).toEqual(['PREFERRED', 'PROBING']);
  expect(roles({ ...old, expireTime: NOW }, { ...fresh, verdict: 'VALID', preferTime: 2 })).toEqual([
    'NONE',
    'PREFERRED',
  ]);
});
