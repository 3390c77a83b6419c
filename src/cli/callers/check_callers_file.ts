import { readCallersFile } from '../../config/callers_file.ts';
import { readCatalogFiles } from '../../config/catalog_files.ts';
import { type Caller, callersOf, type KnownCredentials, type Rule } from '../../model/authenticated_caller.ts';
import { type AccessDecision, type AccessMethod, type AccessTarget, ceiledRules } from '../../model/compiled_rules.ts';
import { explainRules } from '../../model/explain_rules.ts';
import { labelsText, type TenantLabels } from '../../model/tenant_labels.ts';
import { issuerNames, type TokenIssuer } from '../../model/token_issuer.ts';
import { METHODS, targetOf } from '../../rpc/pipeline/authorize_caller.ts';
import { callersVocabulary } from '../../rpc/pipeline/callers_vocabulary.ts';
import { createScopes } from '../../scopes/create_scope_translator.ts';
import { loadCatalogs } from '../../scopes/load_scope_catalogs.ts';
import type { Scopes } from '../../scopes/scope_translator_interface.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import { tableLines } from '../format_table.ts';

export interface CheckFlags {
  readonly as?: string;
  readonly resource?: string;
  readonly method?: string;
  readonly scopes?: readonly string[];
  readonly catalog: string;
  readonly catalogs?: string;
  /** Access labels of the tenant, as `access.tier=gold`. */
  readonly labels?: readonly string[];
}

/** A caller and the method, resource and scopes of its call. */
interface ExplainedCall {
  readonly caller: Caller;
  readonly target: AccessTarget;
  readonly labels: TenantLabels;
  readonly flags: CheckFlags;
  readonly scopes: Scopes;
}

/** Returns the exit code. FIELD_INVALID if the file is not valid. */
export async function checkCallersFile(file: string, flags: CheckFlags): Promise<number> {
  const scopes = createScopes({ catalogs: await loadCatalogs(await readCatalogFiles(flags.catalogs)) });
  const known = await readCallersFile(file, callersVocabulary(scopes));
  console.log(`${file} is valid. SHA-256: ${known.sha256}\n`);
  if (flags.as === undefined) {
    console.log([...credentialLines(known), '', ...issuerLines(known.issuers), ...ruleLines(known)].join('\n'));
    return EXIT.OK;
  }
  const caller = callersOf(known).find(({ id }) => id === flags.as);
  if (caller === undefined)
    throw new CommandError(
      EXIT.USAGE,
      `${file} has no caller ${flags.as}. Without --as, the command lists the callers.`,
    );
  const { resource = 'tenants/*' } = flags;
  const call = { caller, target: targetOf(resource), labels: labelsOf(flags), flags, scopes };
  console.log(`${caller.id} on ${resource}:\n`);
  return flags.method === undefined ? explainAll(call) : explainOne(call, methodOf(flags.method));
}

/** Without the option they are not known. */
function labelsOf({ labels: given }: CheckFlags): TenantLabels {
  const labels = given && Object.fromEntries(given.map((text) => text.split('=', 2)));
  return { of: () => labels, select: () => [] };
}

function methodOf(name: string): AccessMethod {
  const method = METHODS.find((one) => one.name === name);
  if (method !== undefined) return method;
  throw new CommandError(
    EXIT.USAGE,
    `There is no method ${name}. Methods: ${METHODS.map((one) => one.name).join(', ')}.`,
  );
}

function explainAll({ caller, target, labels }: ExplainedCall): number {
  const rows = METHODS.map((method) => {
    const { decision } = explainRules(caller.rules, method, target, Date.now(), labels);
    const verdict = ceilingsOf(decision) ? 'up to its scopes' : decision.isAllowed ? 'allowed' : 'denied';
    return [verdict, decision.rule?.id ?? '', method.name];
  });
  console.log(tableLines(['DECISION', 'RULE', 'METHOD'], rows).join('\n'));
  return EXIT.OK;
}

function explainOne(call: ExplainedCall, method: AccessMethod): number {
  const { decision, verdicts } = explainRules(call.caller.rules, method, call.target, Date.now(), call.labels);
  for (const { rule, whyNot } of verdicts) console.log(`${rule.id} ${whyNot ?? `applies: ${rule.effect}`}`);
  const ceilings = ceilingsOf(decision);
  const above = ceilings === undefined ? [] : aboveCeilings(call, ceilings);
  const isAllowed = decision.isAllowed && above.length === 0;
  const ceiling = above.length === 0 ? '' : ` ${above.join(', ')} is above its scopes.`;
  const rule = decision.rule === undefined ? 'No rule allows it.' : `The rule ${decision.rule.id} decides.`;
  console.log(`\n${method.name} is ${isAllowed ? 'allowed' : 'denied'}. ${rule}${ceiling}`);
  return isAllowed ? EXIT.OK : EXIT.NO_PERMISSION;
}

function ceilingsOf(decision: AccessDecision): readonly Rule[] | undefined {
  return decision.isAllowed && decision.limited ? ceiledRules(decision.limited) : undefined;
}

/** The requested permissions above the ceiling that lacks fewest. */
function aboveCeilings({ flags, scopes }: ExplainedCall, rules: readonly Rule[]): readonly string[] {
  const { catalog, scopes: requested } = flags;
  if (requested === undefined) return [];
  const permissions = Object.entries(scopes.translate(catalog, requested, 'GLOBAL'));
  const aboveOf = ({ ceiling }: Rule) =>
    permissions.flatMap(([resource, names]) =>
      scopes
        .aboveCeiling(catalog, { scopes: ceiling?.scopes ?? [], implicit: [] }, 'GLOBAL', resource, names)
        .map((name) => `${resource}/${name}`),
    );
  return rules.map(aboveOf).reduce((one, other) => (other.length < one.length ? other : one));
}

function credentialLines({ keys, certificates, tokens }: KnownCredentials): readonly string[] {
  const keyRows = keys.map(({ caller: { id, credentialId, expireTime } }) => [
    new Date(expireTime).toISOString().slice(0, 16).replace('T', ' '),
    expireTime <= Date.now() ? 'expired' : 'valid',
    `${id}/${credentialId}`,
    'API key',
  ]);
  const otherRows = [
    ...certificates.map(({ subject, caller }) => ({ caller, kind: `certificate of ${subject}` })),
    ...tokens.map(({ issuerId, subject, caller }) => ({ caller, kind: `token of ${subject}, issued by ${issuerId}` })),
  ].map(({ caller: { id, credentialId }, kind }) => ['', '', `${id}/${credentialId}`, kind]);
  return tableLines(['EXPIRES (UTC)', 'STATE', 'CREDENTIAL', 'KIND'], [...keyRows, ...otherRows]);
}

function issuerLines(issuers: readonly TokenIssuer[]): readonly string[] {
  if (issuers.length === 0) return [];
  const rows = issuers.map((issuer) => [
    issuer.id,
    issuer.kind,
    issuer.audiences.join(' '),
    issuer.algorithms.join(' '),
    'file' in issuer.jwks ? issuer.jwks.file : issuer.jwks.url,
    issuerNames(issuer).join(' '),
  ]);
  return [...tableLines(['ISSUER', 'KIND', 'AUDIENCES', 'ALGORITHMS', 'KEYS', 'TOKENS OF'], rows), ''];
}

function ruleLines(known: KnownCredentials): readonly string[] {
  const callers = new Map(callersOf(known).map((caller) => [caller.id, caller]));
  const rows = [...callers.values()].flatMap(({ id, rules }) => rules.map((rule) => [id, ...ruleCells(rule)]));
  return tableLines(['CALLER', 'RULE', 'EFFECT', 'METHODS', 'TENANTS', 'LIMITS'], rows);
}

function ruleCells({
  id,
  effect,
  role,
  actions,
  tenants,
  tenantLabels,
  connections,
  ceiling,
  rate,
  notAfter,
}: Rule): readonly string[] {
  const limits = [
    connections && `connections ${connections}`,
    ceiling && `scopes ${ceiling.scopes.join(' ')} (excess ${ceiling.excess})`,
    rate && `${rate.perSecond} calls a second, burst ${rate.burst}`,
    notAfter && `until ${new Date(notAfter).toISOString()}`,
  ];
  const methods = role ?? actions.join(' ');
  const about = tenantLabels === undefined ? tenants.join(' ') : labelsText(tenantLabels);
  return [id, effect, methods, about, limits.filter((limit) => limit !== undefined).join(', ')];
}
