import { durationMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type App,
  App_StateSchema,
  CloudSchema,
  Rotation_StepSchema,
  type RotationPolicy,
  type StateReason,
  WeekdaySchema,
} from '../../gen/tokenvault/v1/app_pb.ts';
import { MailboxCheck_OutcomeSchema, type VerifyAppResponse } from '../../gen/tokenvault/v1/app_service_pb.ts';
import { CredentialProbe_Outcome, CredentialProbe_OutcomeSchema } from '../../gen/tokenvault/v1/credential_pb.ts';
import { ErrorReasonSchema } from '../../gen/tokenvault/v1/error_reason_pb.ts';
import { DAY } from '../../model/clock.ts';
import { inCommandTerms } from '../command_terms.ts';
import { OWN_CREDENTIAL_COLUMNS, ownCredentialRow } from '../credentials/format_credential.ts';
import { enumText } from '../enum_text.ts';
import { factLines, tableLines, wrapped } from '../format_table.ts';
import { dayOf, minuteOf } from '../status/format_times.ts';
import { blocksText, stepLines, warningLines } from './format_next_steps.ts';

export const APP_COLUMNS = ['STATE', 'EXPIRES', 'CREDENTIALS', 'APP'];

export function appRow(app: App): readonly string[] {
  const [first] = app.credentials
    .flatMap(({ expireTime, neverExpires }) => (expireTime === undefined || neverExpires ? [] : [expireTime]))
    .toSorted((one, other) => timestampMs(one) - timestampMs(other));
  return [stateText(app), first === undefined ? '' : dayOf(first), `${app.credentials.length}`, app.name];
}

function stateText({ state, suspended }: App): string {
  return suspended ? 'SUSPENDED' : enumText(App_StateSchema, state);
}

/** For people: what is not set is left out. `width`: of the terminal. */
export function appText(app: App, width: number | undefined): readonly string[] {
  const { rotationStatus: rotation } = app;
  const facts = factLines([
    ['App', app.name],
    ['Name', app.displayName],
    ['State', stateText(app)],
    ['Reason', reasonText(app.stateReason)],
    ['What to do', runbookText(app.stateReason)],
    ['Client id', app.clientId],
    ['Cloud', enumText(CloudSchema, app.cloud)],
    ['Audience', app.signInAudience],
    ['Home directory', app.homeDirectoryId],
    ['Redirect URIs', app.redirectUris.join(', ')],
    ['Return URLs', app.returnUrlPrefixes.join(', ')],
    ['Permissions', app.implicitPermissions.join(', ')],
    ['Catalog', app.catalog],
    ['Shared with', app.sharedWith.join(', ')],
    ['Rotation', rotationText(app.rotation)],
    [
      'In rotation',
      rotation === undefined
        ? ''
        : `${enumText(Rotation_StepSchema, rotation.step)}, next ${minuteOf(rotation.nextTime)}. ${inCommandTerms(rotation.problem)}`.trim(),
    ],
    ['Created', minuteOf(app.createTime)],
    ['Changed', minuteOf(app.updateTime)],
    ['UID', app.uid],
  ]);
  const failing = app.failingDirectories.map(({ sinceTime, reason, entraError, directoryId }) => [
    minuteOf(sinceTime),
    enumText(ErrorReasonSchema, reason),
    entraError,
    directoryId,
  ]);
  return [
    ...facts,
    '',
    ...(app.credentials.length === 0
      ? ['It has no credential. Add one with `token-vault credentials add`.']
      : tableLines(OWN_CREDENTIAL_COLUMNS, app.credentials.map(ownCredentialRow), width)),
    ...(failing.length === 0
      ? []
      : ['', ...tableLines(['FAILS SINCE (UTC)', 'REASON', 'ENTRA', 'DIRECTORY'], failing, width)]),
  ];
}

export function reasonText(reason: StateReason | undefined): string {
  if (reason === undefined) return '';
  const entra = reason.entraError === '' ? '' : ` (${reason.entraError})`;
  return `${enumText(ErrorReasonSchema, reason.reason)}${entra}, ${minuteOf(reason.time)} UTC`;
}

const GIVE_DIRECTORY = 'If no directory is known, name one with --directory; `connections show` prints that of a user.';

function rotationText(policy: RotationPolicy | undefined): string {
  if (policy === undefined) return '';
  const { leadTime, secretLife, weekdays, hours, timeZone } = policy;
  const days = weekdays.map((day) => enumText(WeekdaySchema, day)).join(', ') || 'every day';
  return [
    'automatic',
    leadTime && `${durationMs(leadTime) / DAY} days before the expiry`,
    secretLife && `new ones expire after ${durationMs(secretLife) / DAY} days`,
    weekdays.length + hours.length > 0 && `only ${days}, hours ${hours.join(', ') || 'all'} (${timeZone || 'UTC'})`,
  ]
    .filter((part) => part)
    .join('; ');
}

/** Where the runbook says who acts. */
export function runbookText(reason: StateReason | undefined): string {
  if (reason === undefined) return '';
  return `docs/runbook.md#${enumText(ErrorReasonSchema, reason.reason).toLowerCase()}`;
}

/** Each credential with its result, then what remains to be done. */
export function verificationText(response: VerifyAppResponse): readonly string[] {
  const { credentialProbes, mailboxCheck: mailbox, nextSteps } = response;
  const probes = credentialProbes.flatMap(({ credential, outcome, message }) =>
    wrapped(
      `${enumText(CredentialProbe_OutcomeSchema, outcome)} ${credential}${message === '' ? '' : `: ${inCommandTerms(message)}`}`,
      2,
    ),
  );
  const blocks = [
    probes.length === 0 ? ['The app has no credential. Add one with `token-vault credentials add`.'] : probes,
    credentialProbes.some(({ outcome }) => outcome === CredentialProbe_Outcome.SKIPPED) ? [GIVE_DIRECTORY] : [],
    mailbox === undefined
      ? []
      : [
          ...wrapped(`Mailbox ${enumText(MailboxCheck_OutcomeSchema, mailbox.outcome)}: ${mailbox.message}`, 2),
          ...mailbox.commands.map((command) => `  ${command}`),
        ],
    warningLines(nextSteps),
    stepLines(nextSteps),
  ];
  return blocksText(blocks);
}
