import { type Command, InvalidArgumentError, Option } from 'commander';
import { DAY, type Duration, type Timestamp } from '../../model/clock.ts';
import { GUID } from '../../model/id_patterns.ts';
import { expiryDate } from '../parse_expiry_date.ts';

/** Exactly one of them; a private key belongs to a certificate. */
export interface MaterialFlags {
  readonly clientSecretFile?: string;
  readonly certificateFile?: string;
  readonly privateKeyFile?: string;
  readonly generateCertificate?: true;
  readonly assertionFile?: string;
  readonly keyVaultSecret?: string;
  readonly keyVaultCertificate?: string;
  readonly managedIdentity?: string;
}

/** The options of a new credential. */
export interface CredentialFlags extends MaterialFlags {
  readonly expires?: Timestamp;
  readonly life?: Duration;
}

/** Secrets are in files, because other users can read a command line. */
export function credentialOptions(): readonly Option[] {
  return [
    new Option('--client-secret-file <file>', 'file with the client secret; - is standard input, or typed'),
    new Option('--certificate-file <file>', 'certificate with its chain, PEM; with --private-key-file'),
    new Option('--private-key-file <file>', 'key of the certificate, PEM; - is standard input'),
    new Option('--generate-certificate', 'the vault makes a certificate, and prints it for the app registration'),
    new Option('--assertion-file <path>', "on the vault's machine: file with the token of another identity provider"),
    new Option('--key-vault-secret <url>', 'client secret in Azure Key Vault'),
    new Option('--key-vault-certificate <url>', 'certificate in Azure Key Vault, whose key stays there'),
    new Option('--managed-identity <guid>', 'client id of a managed identity that the app trusts').argParser(guidOf),
    new Option('--expires <date>', 'expiry of the client secret: 2027-01-31, 1/31/2027 or never').argParser(dateOf),
    new Option('--life <days>', 'lifetime of the generated certificate: 180d').argParser(lifeOf),
  ].map((option) => option.helpGroup('Credential (one of them):'));
}

const KINDS: readonly (keyof MaterialFlags)[] = [
  'clientSecretFile',
  'certificateFile',
  'generateCertificate',
  'assertionFile',
  'keyVaultSecret',
  'keyVaultCertificate',
  'managedIdentity',
];

/** Whether there is an option of a credential. */
export function hasCredential(flags: CredentialFlags): boolean {
  const { privateKeyFile, expires, life } = flags;
  return [privateKeyFile, expires, life, ...KINDS.map((kind) => flags[kind])].some((value) => value !== undefined);
}

/** Ends the command unless the options describe one credential. */
export function checkCredential(flags: CredentialFlags, command: Command): void {
  const { certificateFile, privateKeyFile, clientSecretFile, generateCertificate, expires, life } = flags;
  if (KINDS.filter((kind) => flags[kind] !== undefined).length !== 1)
    command.error('error: give one credential, such as --client-secret-file');
  if ((certificateFile === undefined) !== (privateKeyFile === undefined))
    command.error('error: --certificate-file and --private-key-file need each other');
  if (expires !== undefined && clientSecretFile === undefined)
    command.error('error: --expires needs --client-secret-file; the vault reads the expiry of others itself');
  if (life !== undefined && generateCertificate === undefined)
    command.error('error: --life needs --generate-certificate');
}

/** Whole days, `60` or `60d`. */
export function daysOf(text: string): number {
  if (/^[1-9]\d{0,3}d?$/.test(text)) return Number.parseInt(text, 10);
  throw new InvalidArgumentError('Give whole days, such as 60 or 60d.');
}

function lifeOf(text: string): Duration {
  return daysOf(text) * DAY;
}

function dateOf(text: string): Timestamp {
  const date = expiryDate(text);
  if (date !== undefined) return date;
  throw new InvalidArgumentError('Give a date as 2027-01-31 or 1/31/2027, or never.');
}

function guidOf(text: string): string {
  if (GUID.test(text)) return text;
  throw new InvalidArgumentError('Give the client id of the managed identity, a GUID.');
}
