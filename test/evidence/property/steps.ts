import fc from 'fast-check';
import { HOUR, MINUTE, SECOND } from '../../../src/model/clock.ts';
import { type Refusal, ROWS } from './answers.ts';
import { type Grant, PERSONAL } from './scripted_entra.ts';
import { APPS, type Beginning, DIRECTORIES, type Fault, USERS } from './world.ts';

export type Step =
  | { readonly do: 'get'; readonly user: number; readonly resource: 0 | 1 }
  | { readonly do: 'get_with_claims'; readonly user: number; readonly resource: 0 | 1 }
  /** Several calls at once. */
  | { readonly do: 'together'; readonly users: readonly number[]; readonly resource: 0 | 1 }
  /** All users, one after the other. */
  | { readonly do: 'everybody'; readonly resource: 0 | 1 }
  /** Responses to this user are delayed until `release`. */
  | { readonly do: 'get_late'; readonly user: number; readonly resource: 0 | 1 }
  | { readonly do: 'release' }
  | { readonly do: 'verify'; readonly user: number }
  | { readonly do: 'code'; readonly app: (typeof APPS)[number]; readonly user: number }
  | { readonly do: 'import'; readonly app: (typeof APPS)[number]; readonly directory: number }
  | { readonly do: 'app_token'; readonly app: (typeof APPS)[number]; readonly directory: number }
  | { readonly do: 'add_credential'; readonly app: (typeof APPS)[number] }
  | { readonly do: 'fault'; readonly fault: Fault }
  | { readonly do: 'repair'; readonly which: number }
  | { readonly do: 'repair_all' }
  | { readonly do: 'advance'; readonly duration: number }
  | { readonly do: 'set_back'; readonly duration: number };

export interface Sequence {
  /** The cap of each map of the vault; undefined: its own. */
  readonly mapLimit: number | undefined;
  readonly beginning: Beginning;
  readonly steps: readonly Step[];
  /** At the end Entra is repaired, and these users, who ask from then on, must be served soon. */
  readonly recovery: readonly number[];
}

const user = fc.nat(USERS.length - 1);
const resource = fc.constantFrom<0 | 1>(0, 1);
const app = fc.constantFrom(...APPS);

function rowsOf(...subjects: string[]): fc.Arbitrary<Refusal> {
  const rows = ROWS.filter(({ subject }) => subjects.includes(subject));
  return fc
    .tuple(fc.constantFrom(...rows), fc.nat())
    .map(([{ errors, code, suberror }, at]) => ({ error: errors[at % errors.length] ?? '', code, suberror }));
}

const WORDS = [
  'invalid_client',
  'unauthorized_client',
  'invalid_grant',
  'invalid_request',
  'invalid_resource',
  'invalid_scope',
  'interaction_required',
  'a_new_word',
];
const SUBERRORS = ['bad_token', 'consent_required', 'message_only', 'additional_action', 'a_new_suberror'];

/** An unknown code, or none, with any error word. */
const unknown: fc.Arbitrary<Refusal> = fc.record({
  error: fc.constantFrom(...WORDS),
  code: fc.constantFrom<number | undefined>(7999999, 7999998, undefined),
  suberror: fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(...SUBERRORS) },
  ),
});

/** A known code with an error word that Entra never combines with it. */
const disguised: fc.Arbitrary<Refusal> = fc
  .tuple(fc.constantFrom(...ROWS.filter(({ kind }) => kind !== 'throttled')), fc.constantFrom(...WORDS))
  .map(([{ code, suberror }, error]) => ({ error, code, suberror }));

const refusal: fc.Arbitrary<Refusal> = fc.oneof(
  { weight: 4, arbitrary: rowsOf('directory') },
  { weight: 3, arbitrary: rowsOf('resource_in_directory') },
  { weight: 4, arbitrary: rowsOf('credential') },
  { weight: 3, arbitrary: rowsOf('app') },
  { weight: 2, arbitrary: rowsOf('request', 'caller', 'vault') },
  { weight: 2, arbitrary: rowsOf('connection', 'resource') },
  { weight: 1, arbitrary: rowsOf('entra') },
  { weight: 4, arbitrary: unknown },
  { weight: 2, arbitrary: disguised },
);

const directory = fc.constantFrom(...DIRECTORIES.slice(0, 2), PERSONAL);
const scope: fc.Arbitrary<Omit<Fault, 'refusal'>> = fc.oneof(
  { weight: 6, arbitrary: user.map((at) => ({ user: USERS[at]?.id })) },
  {
    weight: 2,
    arbitrary: fc.tuple(user, resource).map(([at, of]) => ({ user: USERS[at]?.id, resource: RESOURCE[of] })),
  },
  { weight: 1, arbitrary: user.map((at) => ({ user: USERS[at]?.id, withClaims: true })) },
  { weight: 4, arbitrary: fc.tuple(app, directory).map(([of, where]) => ({ app: of, directory: where })) },
  {
    weight: 2,
    arbitrary: fc.tuple(app, directory, resource).map(([of, where, at]) => ({
      app: of,
      directory: where,
      resource: RESOURCE[at],
    })),
  },
  { weight: 2, arbitrary: app.map((of) => ({ app: of })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(app, fc.constantFrom<Grant>('code', 'import', 'app', 'probe'))
      .map(([of, grant]) => ({ app: of, grant })),
  },
);
const RESOURCE = ['https://graph.microsoft.com', 'https://outlook.office.com'] as const;

const credentialFault: fc.Arbitrary<Fault> = fc
  .tuple(app, fc.constantFrom('k1', 'k2', 'k3'), rowsOf('credential'))
  .map(([of, credential, refused]) => ({ app: of, credential, refusal: refused }));

const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(scope, refusal).map(([whose, refused]) => ({ ...whose, refusal: refused })) },
  { weight: 1, arbitrary: credentialFault },
);

const DURATIONS = [5 * SECOND, 31 * SECOND, 61 * SECOND, 75 * SECOND, 2 * MINUTE, 5 * MINUTE, 5.5 * MINUTE];
const LONG = [16 * MINUTE, HOUR, 2 * HOUR + SECOND, 26 * HOUR];

const step: fc.Arbitrary<Step> = fc.oneof(
  ...[
    { weight: 14, arbitrary: fc.record({ do: fc.constant('get' as const), user, resource }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('get_with_claims' as const), user, resource }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('together' as const),
        users: fc.uniqueArray(user, { minLength: 2, maxLength: 4 }),
        resource,
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('everybody' as const), resource }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('get_late' as const), user, resource }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('verify' as const), user }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('code' as const), app, user }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('import' as const), app, directory: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('app_token' as const), app, directory: fc.nat(2) }) },
    { weight: 0.4, arbitrary: fc.record({ do: fc.constant('add_credential' as const), app }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('fault' as const), fault }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('repair' as const), which: fc.nat(8) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('repair_all' as const) }) },
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('advance' as const), duration: fc.constantFrom(...DURATIONS) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), duration: fc.constantFrom(...LONG) }) },
    {
      weight: 0.4,
      arbitrary: fc.record({
        do: fc.constant('set_back' as const),
        duration: fc.constantFrom(2 * MINUTE, 10 * MINUTE, 3 * HOUR),
      }),
    },
  ].map(({ weight, arbitrary }) => ({ weight: 5 * weight, arbitrary: arbitrary as fc.Arbitrary<Step> })),
);

export const sequences: fc.Arbitrary<Sequence> = fc.record({
  mapLimit: fc.constantFrom(undefined, undefined, undefined, 6),
  beginning: fc.record({ homeIsKnown: fc.boolean(), credentials: fc.constantFrom(1, 1, 2) }),
  steps: fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }),
  recovery: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.uniqueArray(user, { minLength: 1, maxLength: 3 }) },
    { weight: 1, arbitrary: fc.constant(USERS.map((_, at) => at)) },
  ),
});
