import { X509Certificate } from 'node:crypto';
import { id_ce_nameConstraints } from '@peculiar/asn1-x509';
import { expect, test } from 'vitest';
import { findAuthority } from '../../src/listeners/find_certificate_authority.ts';
import { type Authority, makeAuthority, type Wish } from '../../src/sandbox/certificate_authority.ts';

const root = makeAuthority('root');
const names = [{ uri: 'spiffe://acme.example/mail' }];
const parse = ({ pem }: { readonly pem: string }) => new X509Certificate(pem);

function found(issuer: Authority, presented: readonly Authority[], trusted: readonly Authority[] = [root]) {
  const leaf = parse(issuer.issue({ names }));
  return findAuthority(leaf, presented.map(parse), trusted.map(parse), Date.now())?.subject;
}

test('the CA at the end of a chain is found, in whatever order and with whatever else it is presented', () => {
  const zone = root.issueAuthority('zone');
  const pod = zone.issueAuthority('pod');
  expect(found(root, [])).toBe('CN=root');
  expect(found(pod, [pod, zone])).toBe('CN=root');
  expect(found(pod, [makeAuthority('pod'), makeAuthority('root'), zone, root, pod])).toBe('CN=root');
  expect(found(pod, [], [root, pod])).toBe('CN=pod');
});

const between = (wish: Partial<Wish>) => root.issueAuthority('between', wish);

test.each<[string, () => readonly Authority[]]>([
  ['that is not complete', () => [root.issueAuthority('zone').issueAuthority('pod')]],
  ['of another root with the same name', () => [makeAuthority('root').issueAuthority('zone')]],
  ['with a certificate that is no CA', () => [between({ ca: false })]],
  ['with a CA that may not sign certificates', () => [between({ keyUsage: 128 })]],
  ['with a CA for servers only', () => [between({ purposes: ['1.3.6.1.5.5.7.3.1'] })]],
  ['with an expired CA', () => [between({ from: 0, until: Date.now() - 1_000 })]],
  ['with a CA that is not yet valid', () => [between({ from: Date.now() + 60_000 })]],
  ['with name constraints, which are not supported', () => [between({ critical: id_ce_nameConstraints })]],
  ['with an unknown critical extension', () => [between({ critical: '1.2.3.4' })]],
  [
    'longer than a CA allows',
    () => {
      const short = between({ pathLength: 0 });
      return [short.issueAuthority('below'), short];
    },
  ],
  [
    'of more than five CAs',
    () => {
      const chain = [root.issueAuthority('1')];
      for (let at = 2; at <= 6; at += 1) chain.unshift((chain[0] as Authority).issueAuthority(`${at}`));
      return chain;
    },
  ],
])('a chain %s leads to no CA', (_, chain) => {
  const presented = chain();
  expect(found(presented[0] as Authority, presented)).toBeUndefined();
});

test('a chain of five CAs below the root is found', () => {
  const chain = [root.issueAuthority('1')];
  for (let at = 2; at <= 5; at += 1) chain.unshift((chain[0] as Authority).issueAuthority(`${at}`));
  expect(found(chain[0] as Authority, chain)).toBe('CN=root');
});
