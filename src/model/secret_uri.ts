/** Of `https://{vault}/secrets/{name}/{version}`, as `SecretSource.checkUri` gives it: what all versions of the secret have alike. */
export function withoutVersion(secretUri: string): string {
  return secretUri.split('/').slice(0, 5).join('/');
}
