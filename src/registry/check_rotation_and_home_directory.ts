import { type ChangeWindow, timeZoneOf, WEEKDAYS, type Weekday } from '../model/change_window.ts';
import { DAY, type Duration } from '../model/clock.ts';
import {
  type App,
  homeDirectory,
  ROTATION_DEFAULTS,
  type RotationPolicy,
  registrationDirectory,
} from '../model/entra_app.ts';
import { fieldInvalid } from '../model/errors.ts';
import { checkGuid } from './check_operator_fields.ts';

/** As an operator provides it. */
export interface RotationRequest {
  readonly leadTime: Duration | undefined;
  readonly secretLife: Duration | undefined;
  readonly window?: WindowRequest | undefined;
}

interface WindowRequest {
  /** Undefined: an unknown value. */
  readonly weekdays: readonly (Weekday | undefined)[];
  readonly hours: readonly number[];
  /** Empty: UTC. */
  readonly timeZone: string;
}

const LEAST_LEAD = 2 * DAY;
const LONGEST_LEAD = 365 * DAY;
/** The longest validity that the portal offers. */
const LONGEST_LIFE = 730 * DAY;

/** Undefined: no automatic rotation. FIELD_INVALID. */
export function checkRotation(field: string, request: RotationRequest | undefined): RotationPolicy | undefined {
  if (request === undefined) return undefined;
  const { leadTime = ROTATION_DEFAULTS.leadTime, secretLife = ROTATION_DEFAULTS.secretLife } = request;
  checkDays(`${field}.lead_time`, leadTime, LEAST_LEAD, LONGEST_LEAD);
  checkDays(`${field}.secret_life`, secretLife, LEAST_LEAD, LONGEST_LIFE);
  if (secretLife <= leadTime) {
    const problem = `must be longer than lead_time (${leadTime / DAY} days), or each new secret would be renewed at once`;
    throw fieldInvalid(`${field}.secret_life`, problem);
  }
  const window = request.window && checkWindow(field, request.window);
  return { leadTime, secretLife, ...(window !== undefined && { window }) };
}

/** Undefined: no limits. */
function checkWindow(field: string, { weekdays, hours, timeZone }: WindowRequest): ChangeWindow | undefined {
  const known = WEEKDAYS.filter((day) => weekdays.includes(day));
  if (weekdays.includes(undefined)) throw fieldInvalid(`${field}.weekdays`, 'must be days such as WEEKDAY_SATURDAY');
  if (hours.some((hour) => !Number.isInteger(hour) || hour < 0 || hour > 23)) {
    throw fieldInvalid(`${field}.hours`, 'must be full hours from 0 to 23, such as [1, 2, 3]');
  }
  const zone = timeZone === '' ? 'UTC' : timeZoneOf(timeZone);
  if (zone === undefined) {
    throw fieldInvalid(`${field}.time_zone`, 'must be an IANA name of a time zone, such as Europe/Berlin or UTC');
  }
  if (known.length === 0 && hours.length === 0 && timeZone === '') return undefined;
  return { weekdays: known, hours: [...new Set(hours)].toSorted((a, b) => a - b), timeZone: zone };
}

/** Undefined for `''`. */
export function checkHomeDirectory(field: string, directoryId: string): string | undefined {
  return directoryId === ''
    ? undefined
    : checkGuid(field, directoryId, 'the Directory (tenant) ID that the portal shows next to the client id');
}

/** The fields about the app's registration must be consistent. FIELD_INVALID. */
export function checkRegistration(app: Pick<App, 'signInAudience' | 'homeDirectoryId' | 'rotation'>): void {
  const only = homeDirectory(app);
  if (app.homeDirectoryId !== undefined && only !== undefined && app.homeDirectoryId !== only) {
    throw fieldInvalid(
      'app.home_directory_id',
      `must be ${only}, the directory of sign_in_audience, or empty. For an app that is registered elsewhere, set sign_in_audience to organizations.`,
    );
  }
  if (app.rotation !== undefined && registrationDirectory(app) === undefined) {
    throw fieldInvalid(
      'app.home_directory_id',
      'is required with rotation. Set it to the Directory (tenant) ID of the registration, where Microsoft Graph creates its secrets.',
    );
  }
}

/** Of a certificate that the vault makes. FIELD_INVALID. */
export function checkLife(field: string, life = ROTATION_DEFAULTS.secretLife): Duration {
  checkDays(field, life, LEAST_LEAD, LONGEST_LIFE);
  return life;
}

function checkDays(field: string, duration: Duration, least: Duration, most: Duration): void {
  if (duration % DAY === 0 && duration >= least && duration <= most) return;
  throw fieldInvalid(field, `must be whole days from ${least / DAY} to ${most / DAY}, such as 7776000s for 90 days`);
}
